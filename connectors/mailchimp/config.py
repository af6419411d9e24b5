"""What an instance of this connector is configured with."""

from __future__ import annotations

import re
from typing import Self

from pydantic import Field, SecretStr, model_validator

from hub import InstanceConfig

_KEY = re.compile(r"[0-9a-zA-Z]+(-(?P<dc>[a-z]{2,8}[0-9]{1,4}))?")


class MailchimpConfig(InstanceConfig):
    """One Mailchimp account."""

    api_key: SecretStr = Field(
        description="API key of a user with the role owner, admin or manager; its suffix (-us21) names the data centre."
    )
    data_center: str = Field(
        default="",
        pattern=r"^([a-z]{2,8}[0-9]{1,4})?$",
        description="Data centre, such as us21; needed only for a key without a suffix.",
    )
    merge_tags: dict[str, str] = Field(
        default={"first_name": "FNAME", "last_name": "LNAME", "phone": "PHONE", "company": "COMPANY"},
        description="Standard field of a rectification → merge tag that holds it in your audiences.",
    )
    address_tag: str = Field(default="ADDRESS", description="Merge tag of type address that holds the postal address.")
    phone_tags: tuple[str, ...] = Field(
        default=(),
        description="Merge tags to read in every member when a request brings a telephone number (slow: reads all); "
        "a number found so is shown to a person before anything is done.",
    )
    shared_mailboxes: tuple[str, ...] = Field(
        default=(), description="Further addresses that several people read, besides info@, sales@ and the like."
    )

    @model_validator(mode="after")
    def _names_a_data_center(self) -> Self:
        key = _KEY.fullmatch(self.api_key.get_secret_value())
        if key is None:
            raise ValueError("api_key is not of the form KEY-us21; copy it anew from Mailchimp's account settings")
        if key["dc"] and self.data_center and key["dc"] != self.data_center:
            raise ValueError("data_center contradicts the suffix of api_key; remove data_center")
        if not (key["dc"] or self.data_center):
            raise ValueError("api_key has no suffix that names its data centre; set data_center (us21)")
        return self

    @property
    def dc(self) -> str:
        """The data centre: `us21`."""
        return self.data_center or self.api_key.get_secret_value().rpartition("-")[2]

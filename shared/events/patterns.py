"""What texts must look like, each pattern with what is to be done where a text does not match it."""

NO_CONTROLS = r"^[^\x00-\x1f\x7f]+$"
NO_CONTROLS_OR_EMPTY = r"^[^\x00-\x1f\x7f]*$"
NAME = r"^[A-Za-z0-9_.:-]+$"
WEB_URL = r"^https?://[^\s\x00-\x1f]+$"
MIME_TYPE = r"^[\w.:+-]+(/[\w.+-]+)?$"
LOCAL_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?$"
TIME_OF_DAY = r"^([01]\d|2[0-3]):[0-5]\d$"
DAY = r"^\d{4}-\d\d-\d\d$"
PLACE = r"^\d{1,9}-\d{1,9}$"
PRINTABLE = r"^[\x20-\x7e]+$"

IN_WORDS = {
    NO_CONTROLS: "leave out line breaks, tabs and other control characters",
    NO_CONTROLS_OR_EMPTY: "leave out line breaks, tabs and other control characters",
    NAME: "use letters, digits and _ . : - only",
    WEB_URL: "write an address without spaces that begins with http:// or https://",
    MIME_TYPE: "write a MIME type, such as image/jpeg",
    LOCAL_TIME: "write a time on the clock, such as 2027-03-28T09:00, with no offset: the zone stands beside it",
    TIME_OF_DAY: "write a time of day from 00:00 to 23:59, such as 09:00",
    DAY: "write a day, such as 2027-03-28",
    PLACE: "write `next` of the page before, such as 12-1",
    PRINTABLE: "use letters, digits and signs of ASCII only",
}
"""pydantic would show the regular expression."""

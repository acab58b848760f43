"""What lies outside the tables (customers/privacy.py)."""

from customers.privacy import outside
from loyalty_site import mailbox

outside("mails that were kept on this machine", erase=mailbox.forget)

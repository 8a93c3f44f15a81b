"""LinkedIn: posts of a member or an organisation."""

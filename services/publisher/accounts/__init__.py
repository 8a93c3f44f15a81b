"""Accounts: connecting them, their credentials, and tokens that are renewed in time.

connecting.py     reacts to requests: connect, disconnect, refresh
credentials.py    the account as stored and as opened for use (`stored`, `opened`, `destination_of`, `host_of`)
tokens.py         tokens that last: renewed ahead of their end and on demand, by one replica at a time
trying.py         credentials are used once before they are stored
asked.py          requests are spelt rightly, and of two the later one counts
facts.py          what is told of an account's tokens
connect_lock.py   of the requests to connect one account, one is carried out at a time, in all replicas
single_flight.py  many who want the same wait for the one who fetches it
secret_keys.py    whether our keys fit the stored secrets, and encrypting them again
at_rest.py        the queries of tokens.py and secret_keys.py
"""

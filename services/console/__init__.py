"""Shows a person everything that happens, and sends what a person asks for.

owns      a read model: posts (one row per post and account), what was asked for, rejections, accounts;
          tokens, sessions, and who did what
reacts to every event
emits     the requests of the contract, on behalf of whoever calls the HTTP API or the command line; who did what

In   app.py → reactions.py → handlers.py (or rebuilding.py) → store.py: what an event tells goes into the database
Out  api/ (HTTP), web/ (the page) and cli/ (a client of api/) → read_model/queries.py to look, requests/sender.py to ask

read_model/  what is known, table by table: how it is learnt, and how it is read
requests/    what people ask for: made into requests, sent, and answered; runs over many posts
domain/      posts and accounts, merged from facts that come twice and in any order
imports/     files of posts, read line by line
streaming/   events as they pass, numbered and handed on
access/      tokens, sessions, and who did what
networks/    signing in to a network through the browser
tables/      every table
"""

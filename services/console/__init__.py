"""Shows a person everything that happens, and sends what a person asks for.

owns      a read model: posts (one row per post and account), what was asked for, rejections, accounts;
          tokens, sessions, and who did what
reacts to every event
emits     the requests of the contract, on behalf of whoever calls the HTTP API or the command line; who did what
"""

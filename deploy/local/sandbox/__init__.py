"""The sandbox platform: a small server that stands for a social network, shows its posts, and fails on request.

A post may carry `options.sandbox`, `{"fail": KIND, "times": N}`: its first N attempts then go wrong in one way.

    transient      503
    permanent      422
    rate_limited   429 with Retry-After: 2
    lost_reply     the post is accepted, and the connection closed without a reply
    slow           the post is accepted, and the reply is 30 s late
"""

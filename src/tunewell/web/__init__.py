"""`tunewell web`: studies in a browser, live, and commands to their trials.

A request goes through these, from the outside in:

    guard       who may come in: rejects by host, key, role and form, before anything is routed
    routes      one table of all that can be requested
    responses   JSON, compressed; what was made is kept while nothing has changed
    shelf       the store as the page sees it, which may vanish and return; its studies, each read by one reader
    studies, table, trials      studies, their trials as a table, a trial in full, as plain data
    orders      what may be requested by POST
    alerts      what wants somebody's eye, posted to a webhook
    feed        what has changed since: one poller a study, for all who listen

Nothing here is imported before `tunewell web` runs.
"""

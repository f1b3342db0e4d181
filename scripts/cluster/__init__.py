# SPDX-License-Identifier: Apache-2.0
"""A whole cluster on one machine, with Python's standard library only.

    options       the command line of ./stipple up, down and status
    plan          which processes a cluster has, with which flags: the one
                  description, also that of the tests and of the bench
    process       one process: started, looked at, ended
    supervisor    keeps the processes of a folder running
    folder        what lies in the folder, and who lives there
    health        what is wrong, in words
    detach        the supervisor in the background
    local_store   DynamoDB Local and Cassandra, for --store
    verbs         up, down, status: they put the others together
"""

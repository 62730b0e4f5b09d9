"""The scripted agent's model: a local server that speaks the Messages API and answers from a subject's playbook.

It stands in where there is no API key. It is told what a model is told and no more: it reads the ticket from the first
message and the output of its commands from the tool results.
"""

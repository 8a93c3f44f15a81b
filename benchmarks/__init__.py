"""Benchmarks: Timeball beside the stack it replaces, on the same machine, in the same run.

`python -m benchmarks [figure …] [--quick]` prints a table and writes `benchmarks/results/<time>.json`.
Everything here uses the public contract only: events over AMQP, `/readyz`, and an HTTP sink.
"""

"""A program that does not survive the first picture it is given."""

import os
import signal
import socket

socket.socket(fileno=0).recv(65536)
os.kill(os.getpid(), signal.SIGSEGV)

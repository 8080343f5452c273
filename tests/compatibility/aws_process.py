"""The AWS command line without its start: loading takes it two thirds of a call's time, and the guide's
pages make hundreds of calls.

    aws_process.py serve SOCKET       loads the command line once, and answers calls until it is ended
    aws_process.py call SOCKET ...    one call, by a fork of that process with the caller's files,
                                      directory and environment; ends with the call's exit code
"""

import json
import os
import socket
import sys


def serve(path: str) -> None:
    import signal

    import awscli.clidriver
    import botocore.session

    # Imports what is only imported when it is used.
    awscli.clidriver.create_clidriver()
    botocore.session.get_session().create_client("s3", region_name="us-east-1")
    import awscli.customizations.s3.subcommands  # noqa: F401
    import s3transfer.manager  # noqa: F401

    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            answer(connection, awscli.clidriver.main)
        connection.close()


def answer(connection: socket.socket, main) -> None:
    import threading

    text, files, _, _ = socket.recv_fds(connection, 65536, 3)
    while not text.endswith(b"\n"):
        text += connection.recv(65536)
    call = json.loads(text)
    for target, file in enumerate(files):
        os.dup2(file, target)
        os.close(file)
    os.chdir(call["directory"])
    # Set when the command line is loaded: where its own texts are.
    own = {name: os.environ[name] for name in ["AWS_DATA_PATH"] if name in os.environ}
    os.environ.clear()
    os.environ.update({**own, **call["environment"]})
    sys.argv = ["aws", *call["arguments"]]

    def end_with_caller() -> None:
        connection.recv(1)
        os._exit(1)

    threading.Thread(target=end_with_caller, daemon=True).start()
    try:
        code = main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(str(code or 0).encode())
    os._exit(0)


def call(path: str, arguments: list[str]) -> int:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    told = {"arguments": arguments, "directory": os.getcwd(), "environment": dict(os.environ)}
    text = json.dumps(told).encode() + b"\n"
    socket.send_fds(connection, [text[:1]], [0, 1, 2])
    connection.sendall(text[1:])
    # Nothing comes of a call that was killed.
    return int(connection.recv(16) or b"1")


if sys.argv[1] == "serve":
    serve(sys.argv[2])
else:
    sys.exit(call(sys.argv[2], sys.argv[3:]))

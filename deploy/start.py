"""`penstock` as it is started. Ctrl-C while its modules are being imported ends it without a stack trace: nothing that
would have to be tidied up has happened by then."""

import signal


def main() -> None:
    """The entry point of the `penstock` script."""
    heard = signal.getsignal(signal.SIGINT)
    if heard is signal.default_int_handler:  # else it is ignored, as behind the `&` of a script
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from deploy.cli import app

    signal.signal(signal.SIGINT, heard)
    app()


if __name__ == "__main__":
    main()

"""`python -m yard.cloud up|down|status|reset|env|verify|fire|...`: the verbs without the `yard` command around them."""

import argparse
import json
import shlex
import sys
from pathlib import Path

from yard.cloud import lifecycle


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; exit code 1 and one line for what cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m yard.cloud")
    parser.add_argument("verb", help="up, down, status, reset, env, or any verb of the admin interface")
    parser.add_argument("parameters", nargs="*", help="name=value, for verbs of the admin interface")
    parser.add_argument("--folder", type=Path, default=lifecycle.DEFAULT_FOLDER)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    except lifecycle.CloudError as error:
        print(error, file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    folder: Path = options.folder
    if options.verb == "up":
        state = lifecycle.up(folder, port=options.port)
        print(f"{state.endpoint} (pid {state.pid}, {state.seconds:.1f} s, log {state.log})")
    elif options.verb == "down":
        print("stopped" if lifecycle.down(folder) else "not running")
    elif options.verb == "reset":
        print(lifecycle.reset(folder).endpoint)
    elif options.verb == "env":
        for name, value in lifecycle.env(folder).items():
            print(f"export {name}={shlex.quote(value)}")
    else:
        running = lifecycle.status(folder)
        if running is None:
            print("not running")
            return 1
        if options.verb == "verify":
            from yard.cloud import verify

            results = verify.verify(running, stack=options.parameters[0] if options.parameters else None)
            print(verify.table(results))
            return 0 if all(item.is_right for item in results) else 1
        params = dict(item.split("=", 1) for item in options.parameters)
        print(json.dumps(lifecycle.admin(running, options.verb, params), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())

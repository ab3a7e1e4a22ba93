"""What a shell makes of a line that is typed, and completed with all that it offers.

    completion.py bash|zsh FILE LINE...

Each line is typed at an interactive shell that has the completion in FILE, "~" in it stands
for the key that inserts all completions, and the words that came of it are printed in
one line, with their quotes gone.  Exit 77: there is no such shell.
"""
import os
import pty
import select
import shutil
import sys
import tempfile
import time

PATIENCE = 60

SETUP = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
# bash: M-*, insert-completions.
KEY = {"bash": b"\x1b*", "zsh": b"\x18a"}


def setup_of(shell, file, directory):
    if shell == "bash":
        return f". '{file}'\n"
    os.symlink(file, os.path.join(directory, "_uringproxy"))
    return (f"fpath=('{directory}' $fpath); autoload -U compinit; compinit -D -u\n"
            "zle -C all complete-word _generic; bindkey '^Xa' all\n"
            "zstyle ':completion:all:*' insert yes\n"
            "zstyle ':completion:all::::' completer _all_matches _complete\n")


class Shell:
    def __init__(self, shell, file, directory):
        self.shell, self.directory, self.count = shell, directory, 0
        pid, self.fd = pty.fork()
        if pid == 0:
            os.environ.update(TERM="dumb", HISTFILE="", PS1="$ ", INPUTRC="/dev/null")
            os.execvp(SETUP[shell][0], SETUP[shell])
        self.pid = pid
        os.write(self.fd, setup_of(shell, file, directory).encode())
        self.run(b"true")

    def run(self, typed):
        """Type it as arguments of printf, and wait for what that wrote."""
        self.count += 1
        out = os.path.join(self.directory, f"out{self.count}")
        end = f" >{out}.part; mv {out}.part {out}\n".encode()
        # ^A, what is to be done with the words, ^E
        os.write(self.fd, typed + b"\x01printf '%s\\n' \x05" + end)
        until = time.monotonic() + PATIENCE
        said = b""
        while not os.path.exists(out):
            if time.monotonic() > until:
                sys.exit(f"{self.shell} does not come back from {typed!r}: {said!r}")
            if select.select([self.fd], [], [], 0.02)[0]:
                said += os.read(self.fd, 65536)
        with open(out, encoding="utf-8") as file:
            return file.read().split("\n")[:-1]


def main():
    shell, file, lines = sys.argv[1], os.path.abspath(sys.argv[2]), sys.argv[3:]
    if not shutil.which(shell):
        print(f"there is no {shell}", file=sys.stderr)
        return 77
    with tempfile.TemporaryDirectory() as directory:
        running = Shell(shell, file, directory)
        for line in lines:
            print(" ".join(running.run(line.encode().replace(b"~", KEY[shell]))))
        os.kill(running.pid, 9)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m rl_attention`, and the entry point of `rl-attention`."""

from rl_attention.cli.main import main

if __name__ == "__main__":
    main(prog_name="rl-attention")

"""Deploys: one by Ansible, and some that fail."""

from __future__ import annotations

PLAYBOOK = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Point the link at the release
      ansible.builtin.file:
        src: "{{ release }}"
        dest: "{{ link }}"
        state: link
"""


FAILURES = {
    "exit code 1": (
        ["sh", "-c", "echo Cannot reach the database; exit 1"],
        "the command ended with exit code 1",
    ),
    "hangs": (
        ["sh", "-c", "echo Cannot reach the database; exec sleep 1000"],
        "the command took longer than 1 s and was killed",
    ),
    "another release": (["ln", "-sfn", "releases/3", "{link}"], "the link points to releases/3"),
    "dangling": (["ln", "-sfn", "releases/9", "{link}"], "the link points to releases/9, which is no folder"),
    "no text": (
        ["sh", "-c", "ln -sfn \"$(printf '\\351')\" {link}"],
        "the link points to \\udce9, which is no folder",
    ),
    "missing": (["rm", "-f", "{link}"], "the link is missing"),
    "flips nothing": (["true"], "the link points to releases/1"),
}

# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether this is a machine at all: hypervisors, emulators, containers."""

from __future__ import annotations

import os
import re

from .machine import Finding, Machine

# What firmware of virtual machines calls its maker, its product or its board.
_MAKERS = {
    "QEMU": "QEMU", "KVM": "KVM", "Bochs": "Bochs", "VMware": "VMware", "VMW": "VMware",
    "innotek GmbH": "VirtualBox", "VirtualBox": "VirtualBox", "Xen": "Xen",
    "Parallels": "Parallels", "BHYVE": "bhyve", "Virtual Machine": "Hyper-V",
    "Apple Virtualization": "Apple", "Google Compute Engine": "Google Compute Engine",
    "Amazon EC2": "Amazon EC2", "OpenStack": "OpenStack", "DigitalOcean": "DigitalOcean",
    "Alibaba Cloud": "Alibaba Cloud", "Nutanix": "Nutanix", "Firecracker": "Firecracker",
}
_DMI = ("sys_vendor", "product_name", "board_vendor", "bios_vendor")
_CLOCKS = {"kvm-clock": "KVM", "xen": "Xen", "hyperv_clocksource": "Hyper-V",
           "hyperv_clocksource_tsc_page": "Hyper-V"}
_TREE = "proc/device-tree/"


def _by_firmware(m: Machine) -> str | None:
    product = m.read("sys/class/dmi/id/product_name") or ""
    if re.search(r"\.metal(-|$)", product):
        return None  # rented, but whole
    for name in _DMI:
        text = m.read(f"sys/class/dmi/id/{name}") or ""
        for maker, said in _MAKERS.items():
            if maker in text:
                return said
    return None


def _by_tree(m: Machine) -> str | None:
    """By the device tree: the hypervisor's node, or a board that is none."""
    told = (m.read(_TREE + "hypervisor/compatible") or "").strip("\0")
    if told:
        return {"linux,kvm": "KVM", "xen,xen": "Xen"}.get(told.partition("\0")[0], told)
    board = (m.read(_TREE + "compatible") or "") + (m.read(_TREE + "model") or "")
    return "QEMU" if re.search(r"qemu|linux,dummy-virt|riscv-virtio", board) else None


def hypervisor(m: Machine) -> Finding:
    """Signs of one, whoever gives them."""
    xen = m.read("sys/hypervisor/type")
    if "control_d" in (m.read("proc/xen/capabilities") or ""):
        xen = "Xen, and this is its first domain"
    clock = m.read("sys/devices/system/clocksource/clocksource0/current_clocksource") or ""
    flagged = any("hypervisor" in flags.split() for flags in m.cpuinfo("flags"))
    said = xen or _by_firmware(m) or _by_tree(m) or _CLOCKS.get(clock)
    if said or flagged:
        return Finding("hypervisor", said or "a virtual machine", "warn",
                       "use bare metal for figures to publish; ratios within a run carry further")
    return Finding("hypervisor", "none seen", "ok")


def emulation(m: Machine) -> Finding:
    """Whether a program plays the CPU: nothing measured then says anything about hardware."""
    # qemu's user mode answers for its guest what /proc/self/exe is, but not for thread-self.
    try:
        player = os.path.basename(os.readlink(m.files.root / "proc/thread-self/exe"))
    except OSError:
        player = ""
    models = m.cpuinfo("model name")
    played = any(re.search(r"QEMU|TCG", model) for model in models)
    # The part number that qemu gives to its `max`, by nobody.
    arm = zip(m.cpuinfo("CPU implementer"), m.cpuinfo("CPU part"))
    mend = "times mean nothing here: measure on hardware"
    if player.startswith("qemu"):
        return Finding("emulation", f"this runs under {player}", "severe", mend)
    if played or any(implementer == "0x00" for implementer, _ in arm):
        return Finding("emulation", models[0] if models else "qemu's own CPU", "severe", mend)
    return Finding("emulation", "none seen", "ok")


def container(m: Machine) -> Finding:
    """Whether limits, and files that are not the machine's, are to be expected."""
    told = (m.read("run/systemd/container") or "").strip()
    inside = re.search(r"(?:^|\0)container=([^\0]+)", m.read("proc/1/environ") or "")
    for path, name in (("run/.containerenv", "podman"), (".dockerenv", "docker")):
        if not told and m.files.exists(path):
            told = name
    said = told or (inside[1] if inside else "")
    if said:
        return Finding("container", said, "note",
                       "its limits hold, and its seccomp filter makes system calls dearer: "
                       "measure outside")
    return Finding("container", "none seen", "ok")


CHECKS = (hypervisor, emulation, container)

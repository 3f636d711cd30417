#!/usr/bin/env python3
"""Writes the constructed topologies beside this file again. Needs hwloc 2.9's tools (Debian: hwloc-nox).

Each starts as a synthetic machine of lstopo, gets names, distances and PCI devices that such machines have,
and goes once more through lstopo, which refuses what is not a topology.
"""
import pathlib
import subprocess
import tempfile
import xml.etree.ElementTree as ET

HERE = pathlib.Path(__file__).resolve().parent
NOTE = "written by construct.py from public descriptions of such machines, not recorded on one"

NVIDIA_A100 = ("0302", "10de:20b5", "10de:1533", [])
CONNECTX6 = ("0200", "15b3:101b", "15b3:0028", [("ens%d", "2"), ("mlx5_%d", "3")])
NVME = ("0108", "144d:a824", "144d:a801", [("nvme%dn1", "0")])
ASPEED = ("0300", "1a03:2000", "1a03:2000", [("card%d", "1")])
MEGARAID = ("0104", "1000:10e2", "1000:4010", [("sd%d", "0")])
HNS = ("0200", "19e5:a222", "19e5:0454", [("eno%d", "2")])

MACHINES = {
    "constructed-2socket-64core-2gpu": {
        "levels": "pack:2 numa:1(memory=256GiB) l3:1(size=48MiB) l2:32(size=1280KiB) l1d:1(size=48KiB)"
        " l1i:1(size=32KiB) core:1 pu:2(indexes=2*64:64*1)",
        "model": "Intel(R) Xeon(R) Platinum 8358 CPU @ 2.60GHz",
        "distances": [[10, 20], [20, 10]],
        "bus": "Package",
        "devices": [
            (0, "0000:17:00.0", NVIDIA_A100), (0, "0000:31:00.0", CONNECTX6), (0, "0000:4b:00.0", NVME),
            (0, "0000:03:00.0", ASPEED), (1, "0000:ca:00.0", NVIDIA_A100), (1, "0000:b1:00.0", CONNECTX6),
        ],
    },
    "constructed-zen3-64core-nps4": {
        "levels": "pack:1 numa:4(memory=64GiB) l3:2(size=32MiB) l2:8(size=512KiB) l1d:1(size=32KiB)"
        " l1i:1(size=32KiB) core:1 pu:2(indexes=2*64:64*1)",
        "model": "AMD EPYC 7763 64-Core Processor",
        "distances": [[10 if a == b else 12 for b in range(4)] for a in range(4)],
        "bus": "Group",
        "devices": [(1, "0000:61:00.0", NVME), (3, "0000:21:00.0", CONNECTX6)],
    },
    "constructed-arm-2socket-4node": {
        "levels": "pack:2 numa:2(memory=128GiB) l3:1(size=32MiB) l2:32(size=512KiB) l1d:1(size=64KiB)"
        " l1i:1(size=64KiB) core:1 pu:1",
        "model": "Kunpeng-920",
        "distances": [[10, 12, 20, 22], [12, 10, 22, 24], [20, 22, 10, 12], [22, 24, 12, 10]],
        "bus": "L3Cache",
        "devices": [(0, "0000:7d:00.0", HNS), (0, "0000:03:00.0", MEGARAID), (2, "0000:bd:00.0", HNS)],
    },
}


def run(*words):
    subprocess.run(words, check=True)


def bridge(devices, numbers):
    """A host bridge with PCI devices; numbers hands out global indexes and a count per kind of name."""
    buses = sorted(address[5:7] for address, _ in devices)
    top = ET.Element("object", type="Bridge", gp_index=numbers("object"), bridge_type="0-1", depth="0",
                     bridge_pci=f"0000:[{buses[0]}-{buses[-1]}]")
    for address, (code, identity, subsystem, names) in sorted(devices):
        pci = ET.SubElement(top, "object", type="PCIDev", gp_index=numbers("object"), pci_busid=address,
                            pci_type=f"{code} [{identity}] [{subsystem}] 01", pci_link_speed="15.753846")
        for name, kind in names:
            number = int(numbers(name))
            text = "sd" + "abcdef"[number] if name == "sd%d" else name % number
            ET.SubElement(pci, "object", type="OSDev", gp_index=numbers("object"), name=text, osdev_type=kind)
    return top


def construct(name, machine):
    counts = {"object": 1_000_000}

    def numbers(kind):
        counts[kind] = counts.get(kind, -1) + 1
        return str(counts[kind])

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/machine.xml"
        run("lstopo-no-graphics", "--input", machine["levels"], "--of", "xml", "--force", path)
        matrix = f"{folder}/distances.txt"
        size = len(machine["distances"])
        with open(matrix, "w") as file:
            print("name=NUMALatency", 5, size, *[f"NUMANode:{node}" for node in range(size)], sep="\n", file=file)
            for row in machine["distances"]:
                print(*row, sep="\n", file=file)
        run("hwloc-annotate", path, path, "--", "root", "--", "distances", matrix)
        run("hwloc-annotate", path, path, "--", "Package:all", "--", "info", "CPUModel", machine["model"])
        run("hwloc-annotate", path, path, "--", "root", "--", "info", "Constructed", NOTE)
        tree = ET.parse(path)
        places = list(tree.getroot().iterfind(f".//object[@type='{machine['bus']}']"))
        for place in sorted({place for place, _, _ in machine["devices"]}):
            here = [(address, device) for at, address, device in machine["devices"] if at == place]
            places[place].append(bridge(here, numbers))
        tree.write(path)
        target = HERE / f"{name}.xml"
        run("lstopo-no-graphics", "--input", path, "--filter", "io:important", "--of", "xml", "--force", str(target))
    text = target.read_text()
    lines = [line for line in text.splitlines() if 'info name="ProcessName"' not in line]
    target.write_text("\n".join(lines) + "\n")


for name, machine in MACHINES.items():
    construct(name, machine)

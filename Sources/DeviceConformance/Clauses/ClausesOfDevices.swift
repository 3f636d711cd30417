extension Requirement {
    static let system: [Requirement] = [
        Requirement(
            1, .system,
            "A process starts the library once, with a configuration file or with defaults; a second "
                + "start has an error class of its own.",
            functions: ["initialize"]),
        Requirement(
            2, .system,
            "A process ends the library once, after which no call works; a second end has an error "
                + "class of its own.",
            functions: ["finalize"]),
        Requirement(
            3, .system,
            "The version of the interface can be read as numbers.",
            functions: ["heng_accelerator_get", "abi_major", "abi_minor"]),
        Requirement(
            4, .system,
            "The name of the chip can be read as text.",
            functions: ["device_describe"]),
        Requirement(
            5, .system,
            "Calls before the start fail in a class that says so, and not in some undefined way.",
            functions: ["device_count", "device_get"]),
    ]

    static let device: [Requirement] = [
        Requirement(
            6, .device,
            "The devices can be counted.",
            functions: ["device_count", "device_get"]),
        Requirement(
            7, .device,
            "A thread selects its device, which makes a default context and a default stream; threads"
                + " and processes may share a device.",
            functions: ["device_select", "stream_default"]),
        Requirement(
            8, .device,
            "However often a device was selected, one reset undoes it.",
            functions: ["device_deselect"]),
        Requirement(
            9, .device,
            "Resetting a device waits for the default context's work and frees what lies under it.",
            functions: ["device_deselect", "device_reset"]),
        Requirement(
            10, .device,
            "The thread's device and the run mode, host or device, can be asked for.",
            functions: ["device_selected", "run_mode"]),
        Requirement(
            11, .device,
            "A call waits until all work of the device is done.",
            functions: ["device_synchronize"]),
        Requirement(
            12, .device,
            "A device that is none and an index that is none are different classes of error.",
            functions: ["device_get", "device_select"]),
    ]

    static let context: [Requirement] = [
        Requirement(
            13, .context,
            "Contexts are made on a device, in any number.",
            functions: ["context_create"]),
        Requirement(
            14, .context,
            "Only contexts that were made are destroyed; the default one is not.",
            functions: ["context_destroy"]),
        Requirement(
            15, .context,
            "Each thread has one current context, the last one set; one whose device was reset cannot"
                + " be set.",
            functions: ["context_set_current", "context_get_current"]),
        Requirement(
            16, .context,
            "A context made in one thread serves in others.",
            functions: ["context_create"]),
    ]
}

extension Requirement {
    static let stream: [Requirement] = [
        Requirement(
            17, .stream,
            "Streams are made and destroyed; the caller waits for their work first.",
            functions: ["stream_create", "stream_destroy"]),
        Requirement(
            18, .stream,
            "The host waits for a stream, for ever, for some milliseconds, or only looks; time that "
                + "runs out has its class.",
            functions: ["stream_synchronize"]),
        Requirement(
            19, .stream,
            "A stream waits for an event, and several streams may wait for one.",
            functions: ["stream_wait_event"]),
        Requirement(
            20, .stream,
            "How long a piece of work may run can be limited.",
            functions: ["stream_create"]),
        Requirement(
            21, .stream,
            "Running out of streams is a class of error of its own.",
            functions: ["stream_create"]),
    ]

    static let callback: [Requirement] = [
        Requirement(
            22, .callback,
            "A thread of the host becomes the one that runs a stream's callbacks, and stops being it;"
                + " each wrong use has its class.",
            functions: ["callback_subscribe", "callback_unsubscribe"]),
        Requirement(
            23, .callback,
            "A callback with a value of the caller's is put into a stream; a blocking one holds later"
                + " work.",
            functions: ["callback_launch", "stream_launch"]),
        Requirement(
            24, .callback,
            "The subscribed thread waits for a callback, for a limited time, and runs it.",
            functions: ["callback_process"]),
    ]

    static let event: [Requirement] = [
        Requirement(
            25, .event,
            "Events are made and destroyed.",
            functions: ["event_create", "event_destroy"]),
        Requirement(
            26, .event,
            "An event is recorded in a stream, and reset when that is done.",
            functions: ["event_record", "event_reset"]),
        Requirement(
            27, .event,
            "Whether an event is recorded, and whether the waits for it are over, are two questions.",
            functions: ["event_query", "event_query_waits"]),
        Requirement(
            28, .event,
            "The host waits for an event.",
            functions: ["event_synchronize"]),
        Requirement(
            29, .event,
            "The time between two recorded events is given in milliseconds; a time that is not there "
                + "has its class.",
            functions: ["event_elapsed"]),
    ]

    static let memory: [Requirement] = [
        Requirement(
            30, .memory,
            "Memory of the device is allocated and freed, with a wish for huge or normal pages, for "
                + "the device alone or its peers.",
            functions: ["buffer_allocate", "buffer_free"]),
        Requirement(
            31, .memory,
            "Memory of the host is allocated and freed; each kind is freed only by its own call.",
            functions: ["host_allocate", "host_free"]),
        Requirement(
            32, .memory,
            "Copies go in four directions, with the destination's capacity: more bytes than that fail.",
            functions: ["stream_copy", "stream_copy_block", "copy"]),
        Requirement(
            33, .memory,
            "Copies run in a stream; an address that is not aligned as the device needs it has its class.",
            functions: ["stream_copy"]),
        Requirement(
            34, .memory,
            "Memory is filled with a byte, at once or in a stream.",
            functions: ["stream_fill", "fill"]),
        Requirement(
            35, .memory,
            "Free and total memory can be asked for.",
            functions: ["context_memory_info", "device_status"]),
        Requirement(
            36, .memory,
            "No memory, memory of the wrong kind and memory that cannot be freed are different classes.",
            functions: ["buffer_allocate", "host_free", "context_limit_memory"]),
    ]

    static let synchrony: [Requirement] = [
        Requirement(
            63, .synchrony,
            "Each call is documented as one that waits or does not; what does not wait is done when a"
                + " waiting call says so.",
            functions: ["stream_synchronize", "event_synchronize"])
    ]
}

extension Requirement {
    static let codes: [Requirement] = [
        Requirement(
            60, .codes,
            "0 is success, -1 the general error, and each further class has one number of its own.",
            functions: ["error_describe"]),
        Requirement(
            61, .codes,
            "A maker's own codes become these classes; what fits none becomes the general error.",
            functions: ["error_describe"]),
        Requirement(
            62, .codes,
            "What is optional and not there says so, and does not pretend.",
            functions: ["group", "procedure", "operator_supports"]),
    ]

    static let conformance: [Requirement] = [
        Requirement(
            64, .conformance,
            "The tests come in modules, can be run singly, by module or together, and report each "
                + "case with its result.",
            functions: ["heng_accelerator_get"], furtherCases: ["*"]),
        Requirement(
            65, .conformance,
            "Each function is tested with right and with wrong calls.",
            functions: ["heng_accelerator_get"]),
        Requirement(
            66, .conformance,
            "A maker begins with a small part of the functions, and a library with it is useful.",
            functions: ["heng_accelerator_get"]),
    ]
}

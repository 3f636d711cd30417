internal import Essentials
internal import Glibc

/// The kernel refused to bind something, or to say how it is bound.
package struct BindingError: ReportableError, Equatable {
    /// What was tried and on what, as the middle of a sentence: "bind thread 7 to CPUs 0-3".
    package var attempt: String
    /// The kernel's error number.
    package var code: Int32

    package init(attempt: String, code: Int32) {
        self.attempt = attempt
        self.code = code
    }

    package var summary: String { "The kernel refused to \(attempt): \(systemReason(code))." }

    package var nextStep: String? {
        switch code {
        case EINVAL, ENODEV:
            "Check with `heng topology` that these CPUs and memory nodes exist, and in /proc/self/status that "
                + "they are allowed."
        case EPERM, ENOSYS:
            "A container's filter may forbid it: allow the mbind family of calls, or run without binding."
        case ESRCH: "The process or thread has ended."
        case ENOMEM: "Ask for less memory, or free some."
        default: nil
        }
    }
}

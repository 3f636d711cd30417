package import Essentials

/// One option of `heng submit` and of directives in scripts.
package struct SubmissionOption: Sendable {
    package enum Form: Sendable {
        case flag
        case value
        /// With `=` or nothing, as Slurm's `--exclusive`.
        case optionalValue
    }

    /// Who may write it.
    package enum Dialect: Hashable, Sendable { case heng, slurm }

    /// With their dashes, the long one first.
    package var names: [String]
    package var form: Form
    package var dialects: Set<Dialect>
    /// Whether only a daemon can honour it.
    package var needsDaemon: Bool
    let apply: @Sendable (inout SubmissionDraft, OptionValue) throws(Failure) -> Void

    init(
        _ names: String..., form: Form = .value, dialects: Set<Dialect> = [.heng, .slurm],
        needsDaemon: Bool = false,
        apply: @escaping @Sendable (inout SubmissionDraft, OptionValue) throws(Failure) -> Void
    ) {
        self.names = names
        self.form = form
        self.dialects = dialects
        self.needsDaemon = needsDaemon
        self.apply = apply
    }
}

/// What stands behind an option, and what its reader must know about here and now.
package struct OptionValue: Sendable {
    /// The name as it was written, for errors.
    package var option: String
    /// Empty for a flag.
    package var text: String
    package var moments: MomentText
}

extension SubmissionDraft {
    /// Takes one option over; the value of a flag is the empty text.
    ///
    /// An option that nobody knows is an error.
    package mutating func set(
        _ name: String, to text: String, _ dialect: SubmissionOption.Dialect = .heng, moments: MomentText
    ) throws(Failure) {
        guard let option = SubmissionOptions.find(name, dialect) else {
            if dialect == .slurm, let reason = SubmissionOptions.ignoredBySlurmName[name] {
                ignored.append("\(name) is ignored: \(reason)")
                return
            }
            throw mistake("There is no option \(shown(name)).", "See `heng submit --help`.")
        }
        try option.apply(&self, OptionValue(option: name, text: text, moments: moments))
        if option.needsDaemon, !daemonOnly.contains(option.names[0]) { daemonOnly.append(option.names[0]) }
    }
}

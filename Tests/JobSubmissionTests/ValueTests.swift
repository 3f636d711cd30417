import ControlAPI
import Essentials
import JobSubmission
import Scheduling
import Testing

@Suite("Values of submissions")
struct ValueTests {
    // MARK: Arrays

    @Test(arguments: [
        ("0-9", ArrayRequest(indices: [0...9])),
        ("7", ArrayRequest(indices: [7...7])),
        ("1,3,5-7", ArrayRequest(indices: [1...1, 3...3, 5...7])),
        ("0-15:4", ArrayRequest(indices: [0...15], step: 4)),
        ("0-9%2", ArrayRequest(indices: [0...9], limit: 2)),
        ("0-9:2%4,20", ArrayRequest(indices: [0...9, 20...20], step: 2, limit: 4)),
        ("20,0-9:2%4", ArrayRequest(indices: [0...9, 20...20], step: 2, limit: 4)),
        ("0-4:2,10-13:3", ArrayRequest(indices: [0...0, 2...2, 4...4, 10...10, 13...13])),
        ("1-5,3-8", ArrayRequest(indices: [1...8])),
        ("3,3", ArrayRequest(indices: [3...3])),
        ("5,1", ArrayRequest(indices: [1...1, 5...5])),
        ("0-999999", ArrayRequest(indices: [0...999_999])),
    ]) func `arrays have sbatch's forms`(text: String, array: ArrayRequest) throws {
        #expect(try ArrayText.read(text) == array)
    }

    @Test(arguments: [
        "", ",", "a", "-1", "5-1", "1-", "1-5:0", "1-5:", "1:2", "0-9%", "0-9%0", "0-9%2%3", "0-4%2,6-9%3",
        "1-2-3",
        "0-99999999999", "１-３",
    ]) func `all other arrays are refused`(text: String) {
        expectMistake("is not a list of tasks") { _ = try ArrayText.read(text) }
    }

    @Test func `an array of more than a million tasks is refused`() {
        expectMistake("has 1000001 tasks") { _ = try ArrayText.read("0-1000000") }
        expectMistake("at most 1000000") { _ = try ArrayText.read("0-999999999,0-999999999") }
    }

    // MARK: Dependencies

    @Test func `dependencies have sbatch's forms`() throws {
        let read = try DependencyText.read(
            "afterok:12:13,afterany:14,aftercorr:15,afternotok:last,after:1_2,singleton")

        #expect(read.map(\.kind) == [.afterok, .afterany, .aftercorr, .afternotok, .after, .singleton])
        #expect(read[0].jobs == [.reference(JobReference(JobID(12))), .reference(JobReference(JobID(13)))])
        #expect(read[3].jobs == [.last])
        #expect(read[4].jobs == [.reference(JobReference(JobID(1), tasks: [2...2]))])
        #expect(read[5].jobs == [])
    }

    @Test(arguments: [
        BadText("", "the kind '', which is none"), BadText("12", "the kind '12'"),
        BadText("afterok", "names no job"), BadText("afterok:", "names no job"),
        BadText("afterok:x", "'x' names no job"), BadText("beforeok:1", "the kind 'beforeok'"),
        BadText("afterok:1?afterok:2", "any of several"), BadText("after:1+5", "a pause"),
        BadText("singleton:3", "takes no jobs"), BadText("afterok:0", "'0' names no job"),
    ]) func `all other dependencies are refused`(bad: BadText) {
        expectMistake(bad.says) { _ = try DependencyText.read(bad.text) }
    }

    // MARK: Signals

    @Test(arguments: [
        ("USR1", WarningSignal(10)), ("SIGUSR2@30", WarningSignal(12, before: .seconds(30))),
        ("B:USR1@60", WarningSignal(10, before: .seconds(60), isBatchOnly: true)),
        ("b:term@0", WarningSignal(15, before: .zero, isBatchOnly: true)),
        ("34@5", WarningSignal(34, before: .seconds(5))),
    ]) func `a warning has sbatch's forms`(text: String, signal: WarningSignal) throws {
        #expect(try SignalText.warning(text) == signal)
    }

    @Test(arguments: [
        BadText("", "names no signal"), BadText("USR9", "names no signal"), BadText("0", "names no signal"),
        BadText("65", "names no signal"), BadText("R:USR1", "prefix other than B"),
        BadText("USR1@", "no number of seconds"), BadText("USR1@x", "no number of seconds"),
        BadText("USR1@99999", "no number of seconds"), BadText("USR1@1@2", "no number of seconds"),
    ]) func `all other warnings are refused`(bad: BadText) {
        expectMistake(bad.says) { _ = try SignalText.warning(bad.text) }
    }

    // MARK: Devices

    @Test func `a device has its kind, its share and more`() throws {
        let half = try DeviceText("gpu:0.5,mem=8G,cores=2")
        #expect(half.kind == "gpu")
        #expect(half.share == DeviceShare(parsing: "0.5"))
        #expect(half.memory == .gibibytes(8))
        #expect(half.cores == .cores(2))
        #expect(try DeviceText("cpu:0.25").share == DeviceShare(parsing: "0.25"))
        #expect(try DeviceText("gpu:1").share == .whole)
        #expect(try DeviceText("gpu").share == nil)
    }

    @Test(arguments: [
        BadText("gpu:2", "use --ranks 2 --device gpu"), BadText("gpu:1.5", "more than one device"),
        BadText("cpu:0", "use --numa 0"), BadText("gpu:0", "share of nothing"),
        BadText("gpu:x", "no share behind"),
        BadText("gpu:0.12345", "no share behind"), BadText("gpu:-1", "no share behind"),
        BadText("", "is not a device"),
        BadText(":1", "is not a device"), BadText("gpu:1:2", "is not a device"),
        BadText("gpu,8G", "is not a device"),
        BadText("gpu,speed=3", "the part 'speed'"), BadText("gpu,mem=much", "is not an amount"),
        BadText("g\npu", "is not a device"), BadText("../gpu", "is not a device"),
    ]) func `all other devices are refused`(bad: BadText) {
        expectMistake(bad.says) { _ = try DeviceText(bad.text) }
    }

    @Test(arguments: [
        ("512", ByteCount.mebibytes(512)), ("2G", .gibibytes(2)), ("2GiB", .gibibytes(2)),
        ("64KiB", .kibibytes(64)),
        ("1.5G", .mebibytes(1536)), ("100b", .bytes(100)),
    ]) func `memory without a unit is MiB, as for sbatch`(text: String, amount: ByteCount) throws {
        #expect(try Amounts.memory(text, option: "--mem") == amount)
    }

    // MARK: Names

    @Test(arguments: ["train", "train-2.5_b", "a b", "训练", "x..y", "-n"]) func `names are taken as they are`(
        name: String
    ) throws {
        #expect(try NameCheck.name(name, option: "--name") == name)
    }

    @Test(arguments: [
        BadText("", "empty name"), BadText("..", "'..' is the name of a folder"),
        BadText(".", "'.' is the name of a folder"),
        BadText("a/b", "'a/b' contains a slash"), BadText("../x", "'../x' contains a slash"),
        BadText("a\nb", "'a\\nb' contains a line end"), BadText("a\u{1b}[2J", "cannot be printed"),
        BadText("a\u{202e}b", "cannot be printed"), BadText("a\0b", "cannot be printed"),
        BadText(String(repeating: "n", count: 201), "longer than 200 bytes"),
    ]) func `names that would break a table or a path are refused`(bad: BadText) {
        expectMistake(bad.says) { _ = try NameCheck.name(bad.text, option: "--name") }
    }

    @Test func `patterns of output files are checked`() throws {
        #expect(try NameCheck.pattern("log-%A_%a.out", option: "-o") == "log-%A_%a.out")
        #expect(try NameCheck.pattern("100%%", option: "-o") == "100%%")
        for text in ["log-%q", "50%", "%%%"] {
            expectMistake("which is unknown") { _ = try NameCheck.pattern(text, option: "-o") }
        }
        expectMistake("cannot be printed") { _ = try NameCheck.pattern("a\nb", option: "-o") }
        expectMistake("empty path") { _ = try NameCheck.pattern("", option: "-o") }
    }

    @Test func `the environment is what export says`() throws {
        let own = ["HOME": "/h", "PATH": "/bin", "SEED": "1", "X": "2"]
        #expect(ExportText.all.environment(from: own) == own)
        #expect(try ExportText("ALL").environment(from: own) == own)
        #expect(try ExportText("NONE").environment(from: own) == ["HOME": "/h", "PATH": "/bin"])
        #expect(
            try ExportText("SEED,Y=3=4").environment(from: own) == [
                "HOME": "/h", "PATH": "/bin", "SEED": "1", "Y": "3=4",
            ])
        #expect(try ExportText("ALL,X=9").environment(from: own)["X"] == "9")
        for text in ["", "1A", "A B", "=3", "ALL,", "NONE,A"] {
            expectMistake("which is no variable") { _ = try ExportText(text) }
        }
    }

    // MARK: Jobs and states

    @Test func `jobs are named by number, task, range and last`() throws {
        #expect(try JobWord.read("12") == [.reference(JobReference(JobID(12)))])
        #expect(try JobWord.read("12_3") == [.reference(JobReference(JobID(12), tasks: [3...3]))])
        #expect(
            try JobWord.read("12_[1-5,9]") == [.reference(JobReference(JobID(12), tasks: [1...5, 9...9]))])
        #expect(try JobWord.read("12_[1-5%2]") == [.reference(JobReference(JobID(12), tasks: [1...5]))])
        #expect(try JobWord.read("last") == [.last])
        #expect(try JobWord.read("12-14").count == 3)
        #expect(try JobWord.read(all: ["1,3", "5_[1,2]", "last"]).count == 4)
    }

    @Test(arguments: [
        "", "x", "0", "-3", "3-1", "12_", "12_x", "12_[", "12_[]", "12_[1-", "_3", "1-2-3", "12_[1-9:2]",
        "LAST", "1.2",
        "99999999999999999999", "12\n",
    ]) func `all other jobs are refused`(text: String) {
        expectMistake("names no job") { _ = try JobWord.read(text) }
    }

    @Test func `a range of far too many jobs is refused`() {
        expectMistake("names 1000000 jobs") { _ = try JobWord.read("1-1000000") }
    }

    @Test(arguments: ["12", "12_3", "12_[1-5,9]"]) func `a reference prints as it is read`(text: String)
        throws
    {
        guard case .reference(let reference) = try #require(try JobWord.read(text).first) else {
            Issue.record("no reference")
            return
        }
        #expect(reference.text == text)
    }

    @Test func `states have their names and Slurm's letters`() throws {
        #expect(try StateText.read(["running,PD", "oom"]) == ["RUNNING", "PENDING", "OUT_OF_MEMORY"])
        expectMistake("is no state") { _ = try StateText.read(["walking"]) }
        let phases: [JobPhase] = [
            .held, .pending, .launching, .running, .suspended, .completing(.cancelled), .ended(.completed),
            .ended(.lost),
            .ended(.timeout), .ended(.deadline), .ended(.launchFailed("")),
            .completing(.preempted(by: JobID(1), returns: true)),
            .ended(.preempted(by: JobID(1))), .ended(.cancelled), .ended(.failed(.hanging)),
            .ended(.outOfMemory(MemoryDeath(.host))),
        ]
        #expect(Set(phases.map(\.stateName)) == Set(StateText.all))
        #expect(Set(phases.filter(\.isEnded).map(\.stateName)) == StateText.ended)
    }
}

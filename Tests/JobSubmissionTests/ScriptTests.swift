import ControlAPI
import Essentials
import JobSubmission
import Scheduling
import Testing

private func script(_ text: String) throws -> BatchScript {
    try BatchScript(Array(text.utf8), name: "job.sh")
}

private func draft(_ text: String) throws -> SubmissionDraft {
    var draft = SubmissionDraft()
    try draft.take(script(text), moments: moments)
    return draft
}

private let submitter = Submitter(user: "ada", environment: ["PATH": "/bin"], workingDirectory: "/home/ada")

@Suite("Scripts with directives")
struct ScriptTests {
    @Test func `lines of both kinds are options until the first command`() throws {
        let draft = try draft(
            """
            #!/bin/bash
            # A comment, and an empty line.

            #SBATCH -J train --time=1:00:00 # an hour
            #SBATCH -c4
            #HENG --device gpu:0.5,mem=8G
            #SBATCH --array 0-9:2%4,20 -o "logs/%A %a.out"
            ##SBATCH --mem=1T
            #SBATCHX --mem=1T
            hostname
            #SBATCH --mem=2T
            """)

        #expect(draft.name == "train")
        #expect(draft.timeLimit == .some(.seconds(3600)))
        #expect(draft.cores == .cores(4))
        #expect(draft.deviceKind == "gpu")
        #expect(draft.deviceMemory == .gibibytes(8))
        #expect(draft.array == ArrayRequest(indices: [0...9, 20...20], step: 2, limit: 4))
        #expect(draft.output == "logs/%A %a.out")
        #expect(draft.memory == nil)
        #expect(draft.ignored == [])
        #expect(draft.daemonOnly == ["--array"])
    }

    @Test func `what is not obeyed is named with its line and reason`() throws {
        let draft = try draft(
            "#!/bin/sh\n#SBATCH --mail-type=END --mail-user me -n 2\n#SBATCH --exclusive --contiguous --qos=gold\n#SBATCH -N 1 -N 2"
        )

        #expect(draft.ignored.count == 5)
        #expect(draft.ignored[0].hasPrefix("job.sh:2: --mail-type is ignored: Heng sends no mail"))
        #expect(draft.ignored[1].hasPrefix("job.sh:2: --mail-user is ignored"))
        #expect(draft.ignored[2].hasPrefix("job.sh:3: --contiguous is ignored"))
        #expect(draft.ignored[3].hasPrefix("job.sh:3: --qos gold is ignored"))
        #expect(draft.ignored[4].hasPrefix("job.sh:4: -N 2 only lets"))
        #expect(draft.ranks == 2)
        #expect(draft.isExclusive)
        #expect(draft.spread == .acrossMachines)
    }

    @Test func `every option of sbatch that is left out has a reason and no second meaning`() {
        for (name, reason) in SubmissionOptions.ignoredBySlurmName {
            #expect(!reason.isEmpty)
            #expect(
                !SubmissionOptions.all.contains { $0.dialects.contains(.slurm) && $0.names.contains(name) },
                "\(name)")
        }
        var seen: Set<String> = []
        for option in SubmissionOptions.all {
            for name in option.names {
                for dialect in option.dialects {
                    #expect(seen.insert("\(dialect) \(name)").inserted, "\(name)")
                }
            }
        }
    }

    @Test(arguments: [
        BadText("#!/bin/sh\n\n#SBATCH --time=soon", "job.sh:3: --time soon is not a length of time"),
        BadText("#!/bin/sh\n#SBATCH --tiem=5", "job.sh:2: there is no option --tiem"),
        BadText("#!/bin/sh\n#HENG --mail-type=END", "job.sh:2: there is no option --mail-type"),
        BadText("#!/bin/sh\n#SBATCH --time", "job.sh:2: --time has no value"),
        BadText("#!/bin/sh\n#SBATCH --hold=1", "job.sh:2: --hold takes no value"),
        BadText("#!/bin/sh\n#SBATCH hostname", "job.sh:2: 'hostname' is no option"),
        BadText("#!/bin/sh\n#SBATCH -J 'half", "job.sh:2: a quotation mark"),
        BadText("#!/bin/sh\n#SBATCH -J ..", "job.sh:2: -J '..' is the name of a folder"),
        BadText("#!/bin/sh\n#SBATCH --gres=gpu:2", "--ranks 2 --device gpu"),
        BadText("#!/bin/sh\n#SBATCH -N 0", "is no number of machines"),
        BadText("#!/bin/sh\r\nhostname", "job.sh:1: the line ends as on DOS"),
        BadText("hostname\n", "job.sh is no script"), BadText("", "job.sh is empty"),
        BadText("#!/bin/sh\nx\0y", "job.sh is no script"),
    ]) func `a bad line is named`(bad: BadText) {
        expectMistake(bad.says) { _ = try draft(bad.text) }
    }

    @Test func `a file that is no script is refused by its size or bytes`() {
        expectMistake("longer than 4 MiB") {
            _ = try BatchScript(
                Array("#!/bin/sh\n".utf8) + [UInt8](repeating: 10, count: 4 << 20), name: "big")
        }
        expectMistake("no text in UTF-8") { _ = try BatchScript([35, 33, 47, 255, 10], name: "job.sh") }
    }

    @Test func `the first line says what runs the script`() throws {
        #expect(try script("#!/bin/sh").interpreter == ["/bin/sh"])
        #expect(try script("#! /usr/bin/env  python3 -u \n").interpreter == ["/usr/bin/env", "python3 -u"])
    }

    @Test func `the command line's words replace those of the script`() throws {
        var draft = try draft("#!/bin/sh\n#SBATCH -J one --mem=100 --no-requeue")
        try draft.set("--name", to: "two", moments: moments)
        try draft.set("--requeue", to: "", moments: moments)
        let request = try draft.jobRequest(command: ["job.sh"], by: submitter)

        #expect(request.label.name == "two")
        #expect(request.rerun.mayRequeue)
        #expect(request.resources.memory == .mebibytes(100))
    }
}

@Suite("Requests made of options")
struct SubmissionRequestTests {
    private func made(_ options: (String, String)...) throws -> SubmissionDraft {
        var draft = SubmissionDraft()
        for (name, value) in options { try draft.set(name, to: value, moments: moments) }
        return draft
    }

    @Test func `each option reaches its place`() throws {
        let draft = try made(
            ("--array", "1-3"), ("--time", "10"), ("--begin", "now+60"), ("--deadline", "now+2hours"),
            ("--hold", ""),
            ("--retries", "3"), ("--retry-after", "5s"), ("--requeue-code", "99"), ("--signal", "B:USR1@30"),
            ("--priority", "7"), ("--nice", "2"), ("--device", "cpu:0.5"), ("--mem", "1GiB"),
            ("--mem-bind", "strict"),
            ("--numa", "1"), ("--ranks", "2"), ("--per", "numa"), ("--exclusive", ""),
            ("--isolation", "hard"),
            ("--qos", "best-effort"), ("--account", "lab"), ("--queue", "night"), ("--workload", "resnet"),
            ("--machine", "a,b"), ("--machine-class", "edge"))
        let request = try draft.jobRequest(command: ["true"], by: submitter)

        #expect(request.array?.count == 3)
        #expect(request.timeLimit == .seconds(600))
        #expect(request.timing == JobTiming(begin: noon + .seconds(60), deadline: noon + .seconds(7200)))
        #expect(request.isHeld)
        #expect(
            request.rerun == RerunPolicy(mayRequeue: true, retries: 3, backoff: .seconds(5), requeueCode: 99))
        #expect(request.warning == WarningSignal(10, before: .seconds(30), isBatchOnly: true))
        #expect(request.priority == 5)
        #expect(request.queue == "night")
        #expect(request.workload == "resnet")
        #expect(request.label == JobLabel(user: "ada", account: "lab", command: ["true"]))
        var resources = ResourceRequest(
            share: DeviceShare(parsing: "0.5"), memory: .gibibytes(1), numa: .required(1),
            memoryMode: .strict, ranks: 2,
            spread: .perNUMANode, isExclusive: true, isolation: .hard, quality: .bestEffort,
            machines: ["a", "b"],
            machineClass: .edge)
        resources.within = nil
        #expect(request.resources == resources)
        #expect(draft.daemonOnly.contains("--array"))
        #expect(!draft.daemonOnly.contains("--time"))
    }

    @Test func `paths become absolute in the folder of the job`() throws {
        let draft = try made(
            ("--chdir", "run"), ("--output", "log-%j"), ("--error", "/tmp/e"), ("--open-mode", "append"),
            ("--image", "debian:12"))
        let launch = draft.launch(command: ["job.sh", "x"], script: "#!/bin/sh\n", by: submitter)

        #expect(launch.workingDirectory == "/home/ada/run")
        #expect(launch.output == "/home/ada/run/log-%j")
        #expect(launch.errorOutput == "/tmp/e")
        #expect(launch.input == nil)
        #expect(launch.appendsOutput)
        #expect(launch.image == "debian:12")
        #expect(launch.environment == ["PATH": "/bin"])
        #expect(
            SubmissionDraft().launch(command: ["x"], script: nil, by: submitter).workingDirectory
                == "/home/ada")
    }

    @Test func `options that contradict each other are refused`() throws {
        expectMistake("--deadline lies before --begin") {
            _ = try made(("--begin", "now+2hours"), ("--deadline", "now+1hour")).jobRequest(
                command: ["x"], by: submitter)
        }
        expectMistake("--signal needs a time limit") {
            _ = try made(("--signal", "USR1")).jobRequest(command: ["x"], by: submitter)
        }
        expectMistake("exclude each other") {
            _ = try made(("--vdev", "half"), ("--cores", "2")).jobRequest(command: ["x"], by: submitter)
        }
        expectMistake("There is no option --frobnicate") { _ = try made(("--frobnicate", "1")) }
        expectMistake("--exclusive=user is unknown") { _ = try made(("--exclusive", "user")) }
    }

    @Test func `virtual devices are named, of a template, or new`() throws {
        #expect(
            try made(("--vdev", "half")).jobRequest(command: ["x"], by: submitter).resources.virtualDevice
                == .named("half"))
        #expect(
            try made(("--vdev", "template:cpu-half")).jobRequest(command: ["x"], by: submitter).resources
                .virtualDevice == .template("cpu-half"))
        let template = try DeviceTemplates.standard().named("cpu-quarter").sized(forNodeWith: .gibibytes(8))
        let request = try made(("--vdev", "new:cpu-quarter")).jobRequest(
            command: ["x"], by: submitter, template: template)
        #expect(request.resources.virtualDevice == nil)
        #expect(request.resources.share == DeviceShare(parsing: "0.25"))
        #expect(request.resources.memory == .gibibytes(2))
        expectMistake("the prefix 'old'") { _ = try made(("--vdev", "old:x")) }
        expectMistake("'..' is the name of a folder") { _ = try made(("--vdev", "..")) }
    }

    @Test func `the memory of each core adds up`() throws {
        var draft = SubmissionDraft()
        try draft.set("--mem-per-cpu", to: "500M", .slurm, moments: moments)
        try draft.set("-c", to: "4", .slurm, moments: moments)
        #expect(try draft.jobRequest(command: ["x"], by: submitter).resources.memory == .mebibytes(2000))
    }
}

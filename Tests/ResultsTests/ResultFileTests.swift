import Essentials
import Glibc
import Results
import TestSupport
import Testing

/// A record with every kind of field filled, small enough to read.
func exampleResult() -> RunResult {
    var result = RunResult(
        runID: "2026-02-03T04-05-06Z-a1b2", suite: "server",
        tool: ToolRecord(version: "0.1.0", git: "abc123", buildFlags: "-c release"),
        rules: RuleSetRecord(name: "quick", version: "1", sha256: String(repeating: "0", count: 64)),
        tier: .quick,
        seeds: RunSeeds(data: 1, order: 2, schedule: .max, challenge: 4), started: "2026-02-03T04:05:06.000Z",
        environment: EnvironmentRecord(
            machine: "box", cpu: CPURecord(model: "Some CPU", packages: 1, cores: 2, processingUnits: 2),
            memoryBytes: 1 << 34, numa: [NUMARecord(node: 0, memoryBytes: 1 << 34, cpus: "0-1")],
            os: "Debian 12", kernel: "6.1",
            unavailable: [UnavailableField(field: "pmu", reason: "no event source: VM")]))
    var workload = WorkloadResult(
        name: "resnet50", version: "1", scenario: "server", arrival: "poisson",
        params: [
            "batch": .whole(1), "target_qps": .number(20.5), "warm": .flag(true), "note": .text("a/b"),
        ],
        metrics: [
            Metric(
                name: "completed_rate", unit: "samples/s", better: .higher, value: 19.5, low: 19, high: 20,
                confidence: 0.95, method: "batch-means(20)", n: 400)
        ],
        quality: Quality(metric: "top1", value: 0.87, target: 0.86, n: 500, low: 0.84, pass: true),
        audits: [Audit(id: "TEST01", pass: true, detail: "128 of 128 outputs equal")],
        validity: Validity(checks: [
            Check(rule: "latency.limit", measured: "90 ms", required: "<= 100 ms", pass: true)
        ]),
        samples: SamplesRecord(file: "s.csv", sha256: "ff", columns: SampleFile.columns),
        training: [
            TrainingRun(
                seed: 1, target: 0.97, reached: true, seconds: 1.5, steps: 400,
                history: [TrainingPoint(step: 8, seconds: 0.1, loss: 2.3, accuracy: 0.12)])
        ])
    workload.setCeiling(39, floorSeconds: 0.02)
    result.workloads = [workload]
    result.ceilings = [
        CeilingRecord(
            place: "numa:0", flops: ["fp32": 6e10], bandwidth: ["dram": 1.1e10], source: "measured",
            when: "2026-02-03T04:05:10.000Z")
    ]
    return result
}

/// A folder of its own for one test, removed at the end.
struct TemporaryFolder: ~Copyable {
    let path: String

    init() throws {
        var template = Array("/tmp/heng-results-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw Failure("mkdtemp failed: \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in entries { unsafe unlink("\(path)/\(name)") }
        unsafe rmdir(path)
    }

    var entries: [String] {
        guard let folder = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}

@Suite("Result file")
struct ResultFileTests {
    @Test func `a record survives the way through JSON`() throws {
        var result = exampleResult()
        result.finish(at: "2026-02-03T04:08:00.000Z")

        let decoded = try ResultFile.decoded(try ResultFile.encoded(result))

        #expect(decoded == result)
    }

    @Test func `keys are those of schema 1 and come sorted`() throws {
        let text = String(decoding: try ResultFile.encoded(exampleResult()), as: UTF8.self)

        for key in [
            "\"schema\" : \"heng/bench-result/1\"", "\"run_id\"", "\"complete\" : false",
            "\"fraction_of_ceiling\" : 0.5", "\"verdict\" : \"VALID\"", "\"unavailable\"", "\"build_flags\"",
            "\"memory_bytes\"", "\"better\" : \"higher\"",
        ] {
            #expect(text.contains(key), "\(key)")
        }
        let top = text.split(separator: "\n").filter { $0.hasPrefix("  \"") }
        #expect(top == top.sorted())
        #expect(text.contains("\"schedule\" : 18446744073709551615"))
    }

    @Test func `equal records are equal bytes`() throws {
        #expect(try ResultFile.encoded(exampleResult()) == ResultFile.encoded(exampleResult()))
    }

    @Test func `a value that is not finite becomes a missing value with a reason`() {
        let metric = Metric(name: "x", unit: "s", better: .lower, value: .infinity, method: "m", n: 0)

        #expect(metric.value == nil)
        #expect(metric.reason == "the computed value is not a finite number")
    }

    @Test func `a NaN anywhere else is refused with its place`() {
        var result = exampleResult()
        result.workloads[0].quality?.value = .nan

        #expect(throws: ResultFileError.notRepresentable(value: "nan", place: "workloads[0].quality.value")) {
            try ResultFile.encoded(result)
        }
    }

    @Test func `other schemas, missing fields and garbage are refused with a sentence`() throws {
        let text = String(decoding: try ResultFile.encoded(exampleResult()), as: UTF8.self)
        func failure(_ text: String) -> String? {
            do {
                _ = try ResultFile.decoded(Array(text.utf8), name: "r.json")
                return nil
            } catch { return "\(error)" }
        }

        #expect(failure("garbage")?.hasPrefix("r.json is not a run result: it is not JSON.") == true)
        #expect(failure("")?.hasPrefix("r.json is not a run result") == true)
        #expect(
            failure(text.replacing("bench-result/1", with: "bench-result/9"))?
                .hasPrefix("r.json has the schema heng/bench-result/9") == true)
        #expect(
            failure(text.replacing("\"run_id\"", with: "\"other\""))?
                .hasPrefix("r.json is not a run result: run_id is missing.") == true)
        #expect(
            failure(text.replacing("\"n\" : 400", with: "\"n\" : \"many\""))?
                .contains("workloads[0].metrics[0].n has the wrong kind of value") == true)
    }

    @Test func `writing replaces the file in one step and leaves nothing else behind`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/result.json"
        var result = exampleResult()
        try ResultFile.write(result, to: path)
        result.finish(at: "later")

        try ResultFile.write(result, to: path)

        #expect(try ResultFile.read(path) == result)
        #expect(folder.entries == ["result.json"])
    }

    @Test func `a missing folder and a missing file are said with the next step`() throws {
        let folder = try TemporaryFolder()
        #expect(throws: FileFailure(.creating, "\(folder.path)/no/result.json", ENOENT)) {
            try ResultFile.write(exampleResult(), to: "\(folder.path)/no/result.json")
        }
        #expect(throws: FileFailure(.reading, "\(folder.path)/none.json", ENOENT)) {
            try ResultFile.read("\(folder.path)/none.json")
        }
    }

    @Test func `a full disk is said so`() {
        let descriptor = unsafe open("/dev/full", O_WRONLY | O_CLOEXEC)

        let error = #expect(throws: FileFailure.self) {
            try DurableFile.fill(descriptor, with: [1, 2, 3], path: "runs/result.json")
        }

        #expect(
            error?.description
                == "The disk is full: cannot write runs/result.json. Free some space, or choose a folder on another disk."
        )
    }

    @Test func `a device keeps its name and is written to`() throws {
        let link = "/tmp/heng-device-\(getpid())"
        defer { unsafe unlink(link) }
        #expect(unsafe symlink("/dev/full", link) == 0)

        #expect(throws: FileFailure(.writing, link, ENOSPC)) { try DurableFile.write([1], to: link) }

        var facts = stat()
        #expect(unsafe lstat(link, &facts) == 0)
        #expect(facts.st_mode & S_IFMT == S_IFLNK)
        try DurableFile.write([1], to: "/dev/null")
    }

    @Test func `a file over the limit is not read into memory`() {
        #expect(throws: FileFailure(.reading, "/dev/zero", EFBIG)) {
            try DurableFile.read("/dev/zero", limit: .kibibytes(256))
        }
    }
}

@Suite("Verdicts")
struct VerdictTests {
    private func check(_ pass: Bool, _ effect: Check.Effect) -> Check {
        Check(rule: "r", measured: "m", required: "q", pass: pass, effect: effect)
    }

    @Test func `the worst failed check decides`() {
        #expect(Validity(checks: [check(true, .invalid)]).verdict == .valid)
        #expect(Validity(checks: [check(true, .invalid), check(false, .warning)]).verdict == .valid)
        #expect(Validity(checks: [check(false, .inconclusive)]).verdict == .inconclusive)
        #expect(Validity(checks: [check(false, .inconclusive), check(false, .invalid)]).verdict == .invalid)
    }

    @Test func `what nothing has checked is not valid`() {
        #expect(Validity(checks: []).verdict == .inconclusive)
    }

    @Test func `a partial record is never a valid one`() {
        var result = exampleResult()
        #expect(result.verdict == .inconclusive)
        #expect(result.exitCode == .executionFailed)

        result.finish(at: "later")
        #expect(result.exitCode == .done)

        result.workloads[0].validity = result.workloads[0].validity.adding([check(false, .invalid)])
        #expect(result.exitCode == .negative)

        result.abandon(because: "interrupted", at: "later")
        #expect(result.incompleteReason == "interrupted")
        #expect(result.exitCode == .executionFailed)
    }
}

@Suite("Raw samples")
struct SampleFileTests {
    @Test func `a line has the columns of the schema`() {
        let record = SampleRecord(
            sequence: 3, sample: 17, scheduled: 0, issued: 1200, end: 99_000, device: "cpu:0",
            flags: [.notFinite, .repeated], outputHash: 0xAB, result: -1)

        let text = String(decoding: SampleFile.encoded([record]), as: UTF8.self)

        #expect(
            text == """
                seq,sample,scheduled_ns,issued_ns,start_ns,first_token_ns,end_ns,tokens,device,cpu_ns,flags,output_hash,result
                3,17,0,1200,,,99000,,cpu:0,,5,00000000000000ab,-1

                """)
    }

    @Test(arguments: propertySeeds) func `records survive the way through CSV`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let records = (0..<20).map { index in
            SampleRecord(
                sequence: index, sample: random.below(1000),
                scheduled: Int64.random(in: .min...(.max), using: &random),
                issued: Int64.random(in: .min...(.max), using: &random),
                start: random.below(2) == 0 ? nil : Int64(random.below(1000)),
                end: random.below(2) == 0 ? nil : .max,
                tokens: random.below(2) == 0 ? nil : random.below(100),
                device: random.below(2) == 0 ? nil : "cuda:\(random.below(8))",
                flags: SampleFlags(rawValue: UInt8(random.below(8))),
                outputHash: random.below(2) == 0 ? nil : random.next(),
                result: random.below(2) == 0 ? nil : Int32.random(in: .min...(.max), using: &random))
        }

        #expect(try SampleFile.decoded(SampleFile.encoded(records)) == records)
    }

    @Test func `a changed or cut line is named`() {
        let good = String(
            decoding: SampleFile.encoded([
                SampleRecord(sequence: 0, sample: 0, scheduled: 0, issued: 0, end: 5)
            ]), as: UTF8.self)

        #expect(throws: SampleFileError(name: "s.csv", line: 2, detail: "end_ns is 5x")) {
            try SampleFile.decoded(Array(good.replacing(",5,", with: ",5x,").utf8), name: "s.csv")
        }
        #expect(throws: SampleFileError(name: "s.csv", line: 2, detail: "10 fields instead of 13")) {
            try SampleFile.decoded(Array(good.dropLast(5).utf8), name: "s.csv")
        }
        // Writing leaves control characters out, so reading one would not give the same file back.
        #expect(throws: SampleFileError(name: "s.csv", line: 2, detail: "device holds a control character")) {
            try SampleFile.decoded(Array(good.replacing(",5,,", with: ",5,,\u{13}").utf8), name: "s.csv")
        }
        #expect(
            throws: SampleFileError(
                name: "s.csv", line: 1, detail: "the columns are not those of raw samples")
        ) {
            try SampleFile.decoded([], name: "s.csv")
        }
    }
}

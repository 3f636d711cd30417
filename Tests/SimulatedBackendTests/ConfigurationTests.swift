import AcceleratorAPI
import ComputeGraph
import Essentials
import SimulatedBackend
import Testing

/// The root of the repository, from this file's place in it.
private let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

@Suite("Configuration of simulated devices")
struct ConfigurationTests {
    @Test func `the example loads`() throws {
        let devices = try SimulatedConfiguration(file: root + "/Config/simdev/example.json").devices
        #expect(devices.count == 2)
        #expect(devices[0].name == "Example accelerator")
        #expect(devices[0].memory == .gibibytes(1) && devices[0].streamLimit == 8)
        #expect(devices[0].operators == .except(["Einsum"]))
        #expect(devices[0].types == [.float32, .int64, .bool])
        #expect(
            devices[0].faults == [
                Fault(function: "buffer_allocate", .call(3), .fail(.outOfDeviceMemory, .call)),
                Fault(function: "stream_copy", correlation: 42, .always, .hang),
                Fault(operatorName: "MatMul", .every(10), .lateError(.execution, .context)),
                Fault(operatorName: "Add", .call(2), .wrongResult(.add(element: 0, amount: 1.5))),
                Fault(function: "stream_fill", .random(probability: 0.01, seed: 7), .slow(20)),
            ])
        #expect(devices[1].isHostAddressable && devices[1].lanes == 1 && devices[1].faults.isEmpty)
        #expect(!devices[1].capabilities.contains(.partition))
        #expect(devices[1].capabilities.contains(.abort))
        #expect(devices[1].time == .virtual)
    }

    static let damaged: [(text: String, message: String)] = [
        ("", "sim.json:1: this is not JSON: a value is missing; the text ends here."),
        ("{\n\n]", "sim.json:3: this is not JSON: '\"' is missing before ']'."),
        ("{\"devices\": []}", "sim.json:1: the list of devices is empty."),
        ("{\"devices\": {}}", "sim.json:1: devices: a list is wanted here, not an object."),
        ("{}", "sim.json:1: the field \"devices\" is missing."),
        (
            "{\"devices\": [\n{\"memory\": 5}]}",
            "sim.json:2: devices[0]: there is no field \"memory\" here; there are name, memory_bytes,"
        ),
        (
            "{\"devices\": [\n{\"memory_bytes\":\n 0}]}",
            "sim.json:3: devices[0].memory_bytes: a whole number from 1 to"
        ),
        (
            "{\"devices\": [{\"memory_bytes\": 1.5}]}",
            "devices[0].memory_bytes: a whole number from 1 to 1125899906842624 is wanted, not 1.5."
        ),
        ("{\"devices\": [{\"name\": 5}]}", "devices[0].name: a text is wanted here, not a number."),
        ("{\"devices\": [{\"name\": 1, \"name\": 2}]}", "the field \"name\" comes twice"),
        (
            "{\"devices\": [{\"time\": \"slow\"}]}",
            "there is no kind of time \"slow\"; there are virtual, real."
        ),
        ("{\"devices\": [{\"alignment\": 3}]}", "an alignment is a power of two, not 3."),
        ("{\"devices\": [{\"operators\": [\"Ad\"]}]}", "operators[0]: there is no operator \"Ad\"."),
        (
            "{\"devices\": [{\"types\": [\"float\"]}]}",
            "types[0]: there is no element type \"float\"; there are"
        ),
        ("{\"devices\": [{\"without\": [\"wings\"]}]}", "there is no capability \"wings\""),
        (
            "{\"devices\": [{\"faults\": [\n{\"at\": {\"call\": 1}, \"do\": \"hang\"}]}]}",
            "sim.json:2: devices[0].faults[0].at: one of function, correlation and operator is wanted."
        ),
        (fault("{\"at\": {\"function\": \"free\"}, \"do\": \"hang\"}"), "there is no function \"free\""),
        (
            fault("{\"at\": {\"function\": \"stream_copy\"}, \"do\": \"explode\"}"),
            "faults[0].do: there is no fault \"explode\"; there are fail, hang,"
        ),
        (
            fault("{\"at\": {\"function\": \"stream_copy\", \"call\": 1, \"every\": 2}, \"do\": \"hang\"}"),
            "call and every exclude each other."
        ),
        (
            fault("{\"at\": {\"function\": \"stream_copy\", \"call\": 0}, \"do\": \"hang\"}"),
            "at.call: a whole number from 1 to"
        ),
        (
            fault("{\"at\": {\"function\": \"stream_copy\", \"seed\": 2}, \"do\": \"hang\"}"),
            "a seed is for a probability, which is missing."
        ),
        (
            fault("{\"at\": {\"function\": \"stream_copy\"}, \"do\": \"hang\", \"factor\": 2}"),
            "faults[0].factor: the fault \"hang\" does not use this field."
        ),
        (
            fault("{\"at\": {\"function\": \"event_query\"}, \"do\": \"hang\"}"),
            "this fault is for work in a stream"
        ),
        (
            fault("{\"at\": {\"function\": \"stream_copy\"}, \"do\": \"leak\"}"),
            "can leak, not stream_copy."
        ),
        (
            fault("{\"at\": {\"function\": \"stream_copy\"}, \"do\": \"fail\"}"),
            "the field \"code\" is missing."
        ),
        (
            fault("{\"at\": {\"function\": \"stream_copy\"}, \"do\": \"fail\", \"code\": \"BAD\"}"),
            "there is no code \"BAD\""
        ),
        (
            fault("{\"at\": {\"function\": \"stream_copy\"}, \"do\": \"late-error\", \"scope\": \"call\"}"),
            "there is no scope \"call\"; there are stream, context, device."
        ),
        (String(repeating: "[", count: 100_000), "lie too deep in each other"),
        ("{\"devices\": [{\"name\": \"\\ud800\"}]}", "half a surrogate pair"),
    ]

    private static func fault(_ text: String) -> String { "{\"devices\": [{\"faults\": [\(text)]}]}" }

    @Test(arguments: damaged.indices)
    func `a wrong configuration is refused with its line and field`(index: Int) throws {
        let (text, message) = ConfigurationTests.damaged[index]
        let error = try failure { () throws(DeviceError) in
            _ = try SimulatedConfiguration(parsing: Array(text.utf8), source: "sim.json")
        }
        #expect(error.code == .fileParse)
        #expect(error.text.contains(message), "\(error.text)")
        #expect(error.text.hasPrefix("sim.json:"))
    }

    @Test func `cutting and changing the example anywhere is refused or read, and never traps`() throws {
        let bytes = try example()
        for length in bytes.indices.dropFirst() {
            let cut = Array(bytes[..<length])
            #expect(throws: DeviceError.self) { try SimulatedConfiguration(parsing: cut, source: "cut") }
        }
        var random = SeededGenerator(seed: 1)
        for _ in 0..<2000 {
            var changed = bytes
            for _ in 0...random.below(3) { changed[random.below(changed.count)] = UInt8(random.below(256)) }
            _ = try? SimulatedConfiguration(parsing: changed, source: "changed")
        }
    }

    /// The example as bytes, written again from what a person sees, without its last line break.
    private func example() throws -> [UInt8] {
        Array(
            """
            {"devices": [{"name": "\\u00e9\\n", "memory_bytes": 1e6, "operators": "all",
            "faults": [{"at": {"function": "stream_copy", "call": 1}, "do": "hang"}]}]}
            """.utf8)
    }

    @Test func `what is no file gets the class of its trouble`() throws {
        func code(_ path: String) throws -> DeviceError.Code {
            try failure { () throws(DeviceError) in _ = try SimulatedConfiguration(file: path) }.code
        }
        #expect(try code("/nowhere/at/all.json") == .file)
        #expect(try code("/dev/null") == .fileAttribute)
        #expect(try code("/") == .fileAttribute)
    }
}

import Essentials
import JobSubmission
import Scheduling
import Testing

@Suite("Templates of virtual devices")
struct TemplateTests {
    @Test func `the standard ones are parts of nodes and of GPUs`() throws {
        let templates = try DeviceTemplates.standard()

        #expect(Set(templates.all.map(\.kind)) == ["cpu", "gpu"])
        #expect(templates.all.count == 6)
        let quarter = try templates.named("cpu-quarter").sized(forNodeWith: .gibibytes(10))
        #expect(
            quarter.amounts
                == NamedDeviceRequest.Amounts(share: DeviceShare(parsing: "0.25"), memory: .mebibytes(2560)))
        #expect(try templates.named("gpu-half").amounts.deviceMemory == nil)
        expectMistake("There is no template 'tiny'") { _ = try templates.named("tiny") }
    }

    @Test func `a machine's own come on top`() throws {
        let own = try DeviceTemplates(
            json: Array(
                #"[{"name":"cpu-half","kind":"cpu","cores":2,"memory":"1GiB"},{"name":"big","kind":"npu","share":0.75,"deviceMemory":"24GiB"}]"#
                    .utf8), from: "own.json")
        let sum = try DeviceTemplates.standard().adding(own)

        #expect(sum.all.count == 7)
        #expect(
            try sum.named("cpu-half").amounts
                == NamedDeviceRequest.Amounts(cores: .cores(2), memory: .gibibytes(1)))
        #expect(try sum.named("big").deviceMemory == .gibibytes(24))
    }

    @Test(arguments: [
        BadText("{", "not a list of templates"), BadText("[1]", "not a list of templates"),
        BadText(#"[{"name":"a/b","kind":"cpu"}]"#, "contains a slash"),
        BadText(#"[{"name":"a","kind":"cpu","share":1.5}]"#, "has the part 1.5"),
        BadText(#"[{"name":"a","kind":"cpu","share":-1}]"#, "has the part -1"),
        BadText(#"[{"name":"a","kind":"cpu","cores":0}]"#, "has 0.0 cores"),
        BadText(#"[{"name":"a","kind":"cpu","memory":"much"}]"#, "is not an amount"),
        BadText(#"[{"name":"a","kind":"gpu","share":0.5,"deviceMemoryShare":0.25}]"#, "other than its share"),
        BadText(#"[{"name":"a","kind":"cpu"},{"name":"a","kind":"gpu"}]"#, "two templates 'a'"),
    ]) func `wrong files are refused`(bad: BadText) {
        expectMistake(bad.says) { _ = try DeviceTemplates(json: Array(bad.text.utf8), from: "own.json") }
    }
}

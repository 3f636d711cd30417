package import ComputeGraph

/// Samples with the class of each.
package struct ClassificationData: Sendable {
    /// Float32, the first axis counts samples.
    package let samples: HostTensor
    /// Int64, one per sample, from 0 up to the number of classes.
    package let labels: HostTensor
    package let classCount: Int

    package init(samples: HostTensor, labels: HostTensor, classCount: Int) {
        precondition(
            samples.type.element == .float32 && samples.type.shape.rank >= 1
                && labels.type == TensorType(.int64, [samples.type.shape[0]]),
            "samples \(samples.type) and labels \(labels.type) do not belong together")
        precondition(
            labels.integers.allSatisfy { (0..<Int64(classCount)).contains($0) },
            "a label is not one of \(classCount) classes")
        self.samples = samples
        self.labels = labels
        self.classCount = classCount
    }

    package var count: Int { samples.type.shape[0] }
    /// The shape of one sample.
    package var sampleShape: Shape { Shape(Array(samples.type.shape.extents.dropFirst())) }

    /// Copies the samples at the given places, one after the other.
    package func copySamples(at places: some Collection<Int>, to target: inout MutableSpan<Float>) {
        let length = sampleShape.count
        samples.withElements(Float.self) { source in
            var end = 0
            for place in places {
                for offset in 0..<length { target[end + offset] = source[place * length + offset] }
                end += length
            }
        }
    }

    /// Copies the labels at the given places, one after the other.
    package func copyLabels(at places: some Collection<Int>, to target: inout MutableSpan<Int64>) {
        labels.withElements(Int64.self) { source in
            for (index, place) in places.enumerated() { target[index] = source[place] }
        }
    }
}

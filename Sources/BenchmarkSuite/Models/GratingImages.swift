internal import ComputeGraph
internal import Essentials

/// Oriented colour gratings under noise: ten orientations times five colours make 50 classes.
///
/// Phase and width of the stripes are chance, within limits. A class above 50 has stripes half as wide. Only whole
/// numbers are used until the last scaling by a power of two.
struct GratingImages: SampleSource {
    /// Height and width.
    var size: Int
    /// The noise's standard deviation, in parts of 111 of the gratings' amplitude.
    var noise: Int

    private static let orientations = 10
    /// The wave's phase in the middle of the image lies within a quarter of a turn.
    private static let phases = 0x4000
    /// There are between 4 and 4.25 stripes across the image, in 1/65536.
    private static let frequencies = 4 * 65536..<4 * 65536 + 16384
    private static let colours: [[Int]] = [
        [128, 0, 0], [0, 128, 0], [0, 0, 128], [90, 90, 0], [90, -90, 0],
    ]

    func sample(ofClass label: Int, using generator: inout SeededGenerator) -> HostTensor {
        let grating = grating(ofClass: label, using: &generator)
        let colour = Self.colours[label / Self.orientations % Self.colours.count]
        var image = HostTensor(zeros: .float32(1, 3, size, size))
        image.withMutableElements(Float.self) { pixels in
            let plane = size * size
            for row in 0..<size {
                for column in 0..<size {
                    let wave = parabolicWave(grating.phase + grating.x * column + grating.y * row)
                    let place = row * size + column
                    let (first, second) = generator.noisePair()
                    let (third, _) = generator.noisePair()
                    pixels[place] = pixel(wave, colour[0], first)
                    pixels[plane + place] = pixel(wave, colour[1], second)
                    pixels[2 * plane + place] = pixel(wave, colour[2], third)
                }
            }
        }
        return image
    }

    /// Turns of the wave from pixel to pixel, in 1/65536.
    private func grating(
        ofClass label: Int, using generator: inout SeededGenerator
    ) -> (phase: Int, x: Int, y: Int) {
        let octave = label / (Self.orientations * Self.colours.count)
        let frequency =
            (Self.frequencies.lowerBound + generator.below(Self.frequencies.count)) << octave / size
        let angle = label % Self.orientations * 0x8000 / Self.orientations
        let x = frequency * parabolicWave(angle + 0x4000) / 0x8000
        let y = frequency * parabolicWave(angle) / 0x8000
        let phase = generator.below(Self.phases) - (x + y) * (size / 2)
        return (phase, x, y)
    }

    private func pixel(_ wave: Int, _ colour: Int, _ chance: Int) -> Float {
        Float((wave * colour) >> 8 + chance * noise) * 0x1p-14
    }
}

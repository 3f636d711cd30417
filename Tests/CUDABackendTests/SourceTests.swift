import CUDAKernelSources
import Foundation
import Testing

/// A compiler that checks CUDA C without CUDA.
enum DeviceClang {
    /// What NVRTC has built in, declared for a clang without NVIDIA's headers.
    static let builtIn = """
        #define __global__ __attribute__((global))
        #define __device__ __attribute__((device))
        #define __shared__ __attribute__((shared))
        #define HENG_NO_ASSEMBLY
        struct Indices { unsigned x, y, z; };
        extern __attribute__((device)) const Indices threadIdx, blockIdx, blockDim, gridDim;
        extern __attribute__((device)) void __syncthreads();
        #define ONE(name) extern "C" __attribute__((device)) double name(double); \\
            extern "C" __attribute__((device)) float name##f(float);
        #define TWO(name) extern "C" __attribute__((device)) double name(double, double); \\
            extern "C" __attribute__((device)) float name##f(float, float);
        ONE(fabs) ONE(exp) ONE(log) ONE(sqrt) ONE(tanh) ONE(erf) ONE(sin) ONE(cos) ONE(floor) ONE(ceil) ONE(rint)
        ONE(expm1) ONE(log1p) ONE(tan) ONE(asin) ONE(acos) ONE(atan) ONE(sinh) ONE(cosh) ONE(asinh) ONE(acosh)
        ONE(atanh) TWO(fmax) TWO(fmin) TWO(fmod) TWO(pow)

        """

    /// A clang with CUDA's language; the toolchain of Swift has one.
    static let name: String? = ["clang", "/opt/swift/usr/bin/clang"].first { name in
        let words = [
            name, "-x", "cuda", "--cuda-device-only", "-nocudainc", "-nocudalib", "-fsyntax-only",
            "/dev/null",
        ]
        return (try? Command.run(words))?.status == 0
    }
}

/// The kernels as the device's compiler sees them, without CUDA: clang checks syntax and types of every source.
@Suite("CUDA sources", .enabled(if: DeviceClang.name != nil, "it needs a clang that knows CUDA C"))
struct SourceTests {
    @Test(arguments: CUDAKernelSources.allCases)
    func `a source compiles for every type it is used with`(_ source: CUDAKernelSources) throws {
        let types =
            switch source {
            case .elementwise, .binary: [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 16]
            case .reduce, .product: [1, 6, 7, 10, 11, 16]
            case .movement: [2, 4, 12, 13]
            case .cast: [1, 2, 7, 9, 10, 16]
            default: [1, 10, 11, 16]
            }
        let path = NSTemporaryDirectory() + "heng-\(source.rawValue)-\(getpid()).cu"
        let text = DeviceClang.builtIn + CUDAKernelSources.prelude + source.text
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let clang = try #require(DeviceClang.name)
        for type in types {
            let outcome = try Command.run([
                clang, "-x", "cuda", "--cuda-device-only", "-nocudainc", "-nocudalib",
                "--cuda-gpu-arch=sm_80",
                "-std=c++17", "-fsyntax-only", "-Wall", "-Wno-unknown-cuda-version", "-DELEMENT=\(type)",
                path,
            ])
            #expect(outcome.status == 0, "\(source) for type \(type): \(outcome.text.prefix(2000))")
        }
    }
}

// What OpenCLBackend costs beside OpenCL itself, on the first OpenCL device, in one run whose pieces take turns:
//
//   heng-opencl-costs [ROUNDS]    the matrix product of n = 512 against a kernel written by hand for this shape, and
//                                 a launch through our table against clEnqueueNDRangeKernel
//
// Each line gives the median of the rounds and the ratio of ours to the other with its 95 % interval.

import AcceleratorAPI
import CHengAccelerator
import COpenCL
import Essentials
import OpenCLBackend

let rounds = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 60 : 60

guard let device = try DeviceRegistry.shared.devices(of: OpenCLDevices.backend).first else {
    throw Failure("There is no OpenCL device.", nextStep: "Install pocl-opencl-icd.")
}
print(
    "device: \(device.description.name), \(device.description.computeUnits) compute units, \(rounds) rounds")
try compareProducts(device, rounds: rounds)
try compareLaunches(device, rounds: rounds)

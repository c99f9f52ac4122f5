// Runs an exported model outside Python, in Node with ONNX Runtime Web, as a browser would:
//
//     npm install onnxruntime-web
//     node onnx_in_node.mjs model.onnx < inputs.json > outputs.json
//
// Inputs and outputs are JSON: {name: {type, dims, data}}, with the data of an array in row-major
// order.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

// From the folder where npm installed it, wherever this script lies.
const ort = createRequire(join(process.cwd(), "package.json"))("onnxruntime-web");
ort.env.wasm.numThreads = 1;

const ARRAYS = { float32: Float32Array, int64: BigInt64Array, string: Array };

function toTensor({ type, dims, data }) {
  const values = type === "int64" ? data.map(BigInt) : data;
  return new ort.Tensor(type, ARRAYS[type].from(values), dims);
}

function toJson({ type, dims, data }) {
  const values = Array.from(data, (value) => (type === "int64" ? Number(value) : value));
  return { type, dims, data: values };
}

function mapped(object, change) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));
}

const inputs = mapped(JSON.parse(readFileSync(0, "utf8")), toTensor);
const session = await ort.InferenceSession.create(readFileSync(process.argv[2]));
const outputs = await session.run(inputs);
console.log(JSON.stringify(mapped(outputs, toJson)));

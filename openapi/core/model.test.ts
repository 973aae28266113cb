import assert from "node:assert/strict";
import { test } from "node:test";
import { parseModel } from "./model.ts";

const code = `export class V1Thing {
}
V1Thing.attributeTypeMap = [
    {
        "name": "_continue",
        "baseName": "continue",
        "type": "string",
        "format": ""
    },
    {
        "name": "parts",
        "baseName": "parts",
        "type": "Array<V1Part>",
        "format": ""
    },
    {
        "name": "secrets",
        "baseName": "secrets",
        "type": "{ [key: string]: Array<string>; }",
        "format": "byte"
    }
];
//# sourceMappingURL=V1Thing.js.map`;

const declarations = `import { V1Part } from '../models/V1Part.js';
/**
* A thing, \\"quoted\\".
*/
export declare class V1Thing {
    /**
    * Where it\\'s continued.
    */
    '_continue'?: string;
    'parts': Array<V1Part>;
    /**
    * Kept.
    */
    'secrets'?: {
        [key: string]: Array<string>;
    };
    static readonly discriminator: string | undefined;
}
`;

test("a model gives wire names, types, descriptions and what is required", () => {
  assert.deepEqual(parseModel("V1Thing", code, declarations), {
    description: 'A thing, "quoted".',
    fields: [
      {
        name: "continue",
        type: { is: "scalar", name: "string", format: "" },
        required: false,
        description: "Where it's continued.",
      },
      { name: "parts", type: { is: "list", of: { is: "model", name: "V1Part" } }, required: true, description: "" },
      {
        name: "secrets",
        type: { is: "map", of: { is: "list", of: { is: "scalar", name: "string", format: "byte" } } },
        required: false,
        description: "Kept.",
      },
    ],
  });
});

test("files of another form are refused by name", () => {
  assert.throws(() => parseModel("V1Odd", "export class V1Odd {}", declarations), /V1Odd has no attribute table/);
  const undeclared = declarations.replace("'parts'", "'pieces'");
  assert.throws(() => parseModel("V1Thing", code, undeclared), /V1Thing does not declare parts/);
});

"""Whether files are OpenAPI documents: python documents.py model.json ..."""

import json
import pathlib
import sys

from openapi_spec_validator import OpenAPIV31SpecValidator

if __name__ == "__main__":
    files = sys.argv[1:]
    if not files:
        sys.exit(f"usage: {sys.argv[0]} FILE ...")
    wrong = False
    for file in files:
        document = json.loads(pathlib.Path(file).read_text())
        for error in OpenAPIV31SpecValidator(document).iter_errors():
            wrong = True
            print(f"{file}: {'/'.join(map(str, error.absolute_path))}: {error.message:.500}")
    sys.exit(wrong)

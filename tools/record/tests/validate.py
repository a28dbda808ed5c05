# Validates every line of the files against the schema that stands before them; prints what does not fit, a line each.
import json
import sys

from jsonschema import Draft202012Validator
from referencing import Registry

schema = json.load(open(sys.argv[1], encoding="utf-8"))
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema, registry=Registry())
inner = schema.get("properties", {}).get("statement", {}).get("contentSchema")
statement = inner and Draft202012Validator(inner | {"$defs": schema["$defs"]}, registry=Registry())
for path in sys.argv[2:]:
    for number, line in enumerate(open(path, "rb").read().splitlines(), 1):
        value = json.loads(line)
        errors = list(validator.iter_errors(value))
        # What stands as text in a text, a validator only notes.
        if statement and not errors:
            errors = list(statement.iter_errors(json.loads(value["statement"])))
        for error in errors:
            print(f"{path}: line {number}: {error.json_path}: {error.message}"[:400])

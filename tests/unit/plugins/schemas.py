"""Usage: schemas.py SOURCE BUILD RESULTS

Are the schemas schemas, and is what we make what they say: the default configuration, the built manifests, the trust list of an
installation, and the results that the plugins gave in the other tests (RESULTS, one file per function).
"""
import glob
import json
import os
import sys

try:
    from jsonschema import Draft202012Validator
except ImportError:
    sys.exit("python3 has no jsonschema; on Debian: apt install python3-jsonschema")

source, build, results = sys.argv[1:4]
wrong = 0


def complain(text):
    global wrong
    wrong += 1
    print(text)


def load(path):
    """A JSON document without duplicate members."""

    def unique(pairs):
        names = [name for name, _ in pairs]
        if len(names) != len(set(names)):
            complain(f"{path}: a member is given twice")
        return dict(pairs)

    with open(path, encoding="utf-8") as file:
        return json.load(file, object_pairs_hook=unique)


schemas = {}
for path in sorted(glob.glob(os.path.join(source, "config/schemas/*.json"))):
    schema = load(path)
    Draft202012Validator.check_schema(schema)
    schemas[os.path.basename(path).removesuffix(".schema.json")] = schema


def check(document, schema, what):
    for error in Draft202012Validator(schema).iter_errors(document):
        complain(f"{what}: {error.json_path}: {error.message}")


def definition(name, function):
    return {**schemas[name], "$ref": f"#/$defs/{function}"}


def must_fail(document, schema, what):
    if Draft202012Validator(schema).is_valid(document):
        complain(f"{what}: the schema lets it through")


default = load(os.path.join(source, "config/cordond.json"))
check(default, schemas["cordond"], "config/cordond.json")
must_fail({**default, "provider": {}}, schemas["cordond"], "a misspelt member")
must_fail({"console": {"addresses": ["console.example:8443"]}}, schemas["cordond"], "a console by name")
full_policy = {
    "providers": {"isolate": ["org.cordon.nftables"]}, "plugins": {"distrust": ["sha256:" + "ab" * 32]},
    "console": {"agents": ["console-b.example:8444", "[2001:db8::1]:8444"], "resolvers": ["192.0.2.53"]},
    "isolate": {"lost_console": {"rule": "release", "after_s": 86400}, "unreachable": {"rule": "keep"}, "strict": True},
    "local": {"isolate": "group", "release": "code"}, "preflight": {"refuse": ["vpn"], "warn": []},
    "notify": {"enabled": True, "contact": "4711"},
}
check(full_policy, schemas["policy"], "a policy")
check({}, schemas["policy"], "an empty policy")
must_fail({"providers": {"isolate": []}}, schemas["policy"], "a policy without a provider")
must_fail({"plugins": {"trust": []}}, schemas["policy"], "a policy that trusts")
must_fail({"isolate": {"unreachable": {"rule": "keep", "after_s": 60}}}, schemas["policy"], "keep after a time")
must_fail({"console": {"addresses": []}}, schemas["policy"], "a member of the file alone")
must_fail({"isolate": {"unreachable": {"rule": "release", "after_s": 5}}}, schemas["cordond"], "a rule that is too short")
must_fail({"notify": {"contact": 4711}}, schemas["cordond"], "a contact that is no text")
must_fail({"reconcile": {"interval_s": 1}}, schemas["cordond"], "an interval that is too short")

console = load(os.path.join(source, "config/cordon-console.json"))
check(console, schemas["console"], "config/cordon-console.json")
must_fail({**console, "name": []}, schemas["console"], "a misspelt member of the console")
must_fail({**console, "people": {"url": "http://c:1"}}, schemas["console"], "a URL without TLS")

manifests = [path for path in glob.glob(os.path.join(build, "plugins/**/cordon-*.json"), recursive=True)]
if len(manifests) < 2:
    complain(f"only {len(manifests)} manifests in {build}/plugins")
for path in manifests:
    check(load(path), schemas["manifest"], path)

full = {"type": "full", "console": [], "resolvers": [], "mark": 1, "exclusions": []}
check(full, schemas["isolate.params"], "a full isolation")
must_fail({**full, "lease": 1}, schemas["isolate.params"], "an unknown parameter")
must_fail({**full, "mark": 0}, schemas["isolate.params"], "mark 0")
check({"event": "isolated", "contact": None}, definition("notify", "params"), "a notice")
must_fail({"event": "restarted"}, definition("notify", "params"), "a notice of something else")
check({"what": "registry", "path": "HKLM\\SOFTWARE", "max_rows": 1}, definition("respond", "params"), "a read-out")
must_fail({"what": "services", "max_rows": 0}, definition("respond", "params"), "a read-out of nothing")
must_fail({"plugins": [{"id": "a", "library": "sha256:0", "manifest": "sha256:0"}]}, schemas["trust"], "short digests")

seen = 0
for path in sorted(glob.glob(os.path.join(results, "*.json"))):
    capability, function = os.path.basename(path).split(".")[:2]
    if capability == "facts":
        schema = schemas["facts.results"]
    elif capability == "remediate":
        schema = definition("remediate", function)
    else:
        schema = definition("isolate.results", function)
    check(load(path), schema, path)
    seen += 1

print(f"{len(schemas)} schemas, {len(manifests)} manifests, {seen} results, {wrong} complaints")
sys.exit(1 if wrong else 0)

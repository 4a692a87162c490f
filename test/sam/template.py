"""Transforms and lints the template with each combination of its switches, offline.

    python template.py TEMPLATE [--unlinted | --versions]
    python template.py TEMPLATE --role ROLE [PARAMETER=VALUE ...]
    python template.py TEMPLATE --machine NAME [PARAMETER=VALUE ...]

The second prints the statements of a role, the third the definition of a state machine, as
JSON, with names of what is made in place of references. The first checks: the template is transformed as AWS would, once for each values of the parameters that the
transform looks at. The conditions of each combination are settled, so that what is left is
what would be made; then each reference in it must lead somewhere, nothing may need
itself, and nothing may be null, which CloudFormation refuses wherever it stands. Of
combinations in which each two values meet cfn-lint must find nothing. A parameter that
changes the function behind the alias must change the version that the alias leads to.
Prints what it found, and a last line with the number of combinations; with --versions only
the last of these. The exit status is 1 where there was anything.
"""

import functools
import itertools
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cfnlint.api
import cfnlint.config
from cfnlint.decode import decode_str
from samtranslator.translator.transform import transform

ACCOUNT = "123456789012"
REGION = "us-east-1"
os.environ["AWS_DEFAULT_REGION"] = REGION  # which the transform wants to know
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::StackName": "tensorlambda",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/tensorlambda/1",
}
SWITCHES = {
    "ModelBucketName": ["", "models"],
    "InputBucketName": ["", "inbox"],
    "OutputBucketName": ["", "outbox"],
    "InputTrigger": ["queue", "direct"],
    "FrontDoor": ["http-api", "function-url", "function-url-stream"],
    "JwtIssuer": ["", "https://issuer.example"],
    "ProvisionedConcurrency": ["0", "2"],
    "StateMachine": ["false", "true"],
    "KmsKeyArn": ["", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"],
    "Alarms": ["false", "true"],
    "AlarmTopicArn": ["", f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"],
    "Dashboard": ["false", "true"],
    "Architecture": ["x86_64", "arm64"],
    "Tracing": ["PassThrough", "Active"],
}
# Another value of each parameter that is no switch and has no other that follows from it.
OTHERS = {
    "ModelKey": "other/",
    "ModelObjectVersion": "3HL4kqtJlcpXroDTDmJ-rmSpXd3dIbrHY-MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo",
    "ModelSha256": "0" * 64,
    "ModelLabels": "labels.txt",
    "ModelName": "other",
    "ModelSignature": "other",
    "ImageScale": "-1..1",
    "JwtAudience": "clients",
    "InputPrefix": "day/",
    "OutputPrefix": "answers/",
    "ImageUri": "repository:2",  # of the template for images
    "LocalS3Endpoint": "http://127.0.0.1:7070",
}
TRANSFORMED = ["ProvisionedConcurrency", "Architecture", "Tracing"]  # what Globals and functions have
DEAD = object()  # AWS::NoValue


class Policies:
    def load(self):
        return {}


def combinations():
    """All that the rules of the template allow."""
    names = list(SWITCHES)
    for values in itertools.product(*(SWITCHES[name] for name in names)):
        chosen = dict(zip(names, values))
        if chosen["JwtIssuer"] and chosen["FrontDoor"] != "http-api":
            continue
        if chosen["AlarmTopicArn"] and chosen["Alarms"] == "false":
            continue
        yield chosen


def pairs(all_of_them):
    """A few of the combinations in which each two values of two switches meet."""
    wanted = set()
    for chosen in all_of_them:
        wanted.update(itertools.combinations(sorted(chosen.items()), 2))
    picked = []
    while wanted:
        best = max(all_of_them, key=lambda c: sum(pair in wanted for pair in itertools.combinations(sorted(c.items()), 2)))
        wanted.difference_update(itertools.combinations(sorted(best.items()), 2))
        picked.append(best)
    return picked


class Settled:
    """The template as it is made with some parameters. Resources are settled once for each
    answer of the conditions that are in them: there are thousands of combinations."""

    mentioned, known = {}, {}

    def __init__(self, template, parameters):
        self.parameters = {name: p.get("Default") for name, p in template["Parameters"].items()}
        self.parameters.update(parameters)
        self.conditions = template.get("Conditions", {})
        self.answers = {name: self.truth(rule) for name, rule in self.conditions.items()}
        self.resources, self.needs = self.made(template, "Resources")
        self.outputs, self.shown = self.made(template, "Outputs")

    def made(self, template, section):
        settled, needs = {}, {}
        for name, part in template.get(section, {}).items():
            if "Condition" in part and not self.answers[part["Condition"]]:
                continue
            key = (id(template), section, name)
            if key not in self.mentioned:
                self.mentioned[key] = sorted(set(conditions(part)))
            key += tuple(self.answers[c] for c in self.mentioned[key])
            if key not in self.known:
                rest = self.settle({k: v for k, v in part.items() if k != "Condition"})
                self.known[key] = rest, {*references(rest), *listed(rest.get("DependsOn", []))}
            settled[name], needs[name] = self.known[key]
        return settled, needs

    def truth(self, rule):
        (name, of), = rule.items()
        if name == "Condition":
            return self.truth(self.conditions[of])
        if name == "Fn::Equals":
            a, b = (str(self.value(x)) for x in of)
            return a == b
        if name == "Fn::Not":
            return not self.truth(of[0])
        if name == "Fn::And":
            return all(map(self.truth, of))
        if name == "Fn::Or":
            return any(map(self.truth, of))
        raise ValueError(f"a condition has {name}")

    def value(self, x):
        if isinstance(x, dict) and "Ref" in x:
            return self.parameters[x["Ref"]]
        return x

    def settle(self, x):
        if isinstance(x, dict):
            if len(x) == 1 and "Fn::If" in x:
                name, yes, no = x["Fn::If"]
                return self.settle(yes if self.answers[name] else no)
            if x == {"Ref": "AWS::NoValue"}:
                return DEAD
            settled = {k: self.settle(v) for k, v in x.items()}
            return {k: v for k, v in settled.items() if v is not DEAD}
        if isinstance(x, list):
            return [v for v in map(self.settle, x) if v is not DEAD]
        return x

    def faults(self):
        for path in nulls(self.resources, "Resources"):
            yield f"{path} is null"
        needs = self.needs
        known = {*self.resources, *self.parameters, *PSEUDO}
        for name, of in [*needs.items(), *((f"output {n}", of) for n, of in self.shown.items())]:
            for target in sorted(of - known):
                yield f"{name} refers to {target}, which is not made"
        done, path = set(), []

        def visit(name):
            if name in path:
                raise RecursionError(" needs ".join([*path[path.index(name):], name]))
            if name in done or name not in needs:
                return
            path.append(name)
            for target in sorted(needs[name]):
                visit(target)
            path.pop()
            done.add(name)

        for name in needs:
            try:
                visit(name)
            except RecursionError as circle:
                yield str(circle)
                return


def nulls(x, path):
    if x is None:
        yield path
    for k, v in x.items() if isinstance(x, dict) else enumerate(x) if isinstance(x, list) else ():
        yield from nulls(v, f"{path}.{k}")


def conditions(x):
    if isinstance(x, dict):
        for k, v in x.items():
            if k == "Fn::If":
                yield v[0]
            yield from conditions(v)
    elif isinstance(x, list):
        for v in x:
            yield from conditions(v)


def listed(x):
    return x if isinstance(x, list) else [x]


def references(x):
    if isinstance(x, dict):
        for k, v in x.items():
            if k == "Ref":
                yield v
            elif k == "Fn::GetAtt":
                yield v[0] if isinstance(v, list) else v.split(".")[0]
            elif k == "Fn::Sub":
                text, own = (v[0], v[1]) if isinstance(v, list) else (v, {})
                for part in text.split("${")[1:]:
                    name = part.split("}")[0]
                    if not name.startswith("!") and name not in own:
                        yield name.split(".")[0]
                yield from references(own)
            else:
                yield from references(v)
    elif isinstance(x, list):
        for v in x:
            yield from references(v)


def read(path):
    template, matches = decode_str(Path(path).read_text(encoding="utf-8"))
    if matches:
        raise SystemExit(f"{path}: {matches}")
    return json.loads(json.dumps(template))


def local(template, layer="s3://bucket/layer"):
    """Code of functions and layers as if it had been uploaded."""
    for resource in template["Resources"].values():
        for name, where in (("CodeUri", "s3://bucket/code"), ("ContentUri", layer)):
            if name in resource.get("Properties", {}):
                resource["Properties"][name] = where
    return template


@functools.lru_cache
def transformed(path, values):
    parameters = {name: p.get("Default") for name, p in read(path)["Parameters"].items()}
    parameters.update(values)
    return transform(local(read(path)), parameters, Policies())


def check(path, parameters, lint=False):
    try:
        template = transformed(path, tuple((name, parameters[name]) for name in TRANSFORMED))
    except Exception as fault:  # whatever SAM says of the template
        return [f"{parameters}: {fault}"]
    parameters = {"JwtAudience": "clients" if parameters["JwtIssuer"] else "", **parameters}
    settled = Settled(template, parameters)
    faults = list(settled.faults())
    if lint:
        made = {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": "one combination",
            # cfn-lint follows references to the defaults.
            "Parameters": {n: {**p, "Default": parameters.get(n, p.get("Default"))} for n, p in template["Parameters"].items()},
            "Resources": settled.resources,
            "Outputs": settled.outputs,
        }
        # W2001 is a parameter that this combination does not use.
        config = cfnlint.config.ManualArgs(regions=[REGION], ignore_checks=["W2001"])
        faults += [str(match) for match in cfnlint.api.lint(json.dumps(made), config=config)]
    chosen = " ".join(f"{name}={value}" for name, value in parameters.items() if value not in ("", SWITCHES.get(name, [""])[0]))
    return [f"{chosen or 'defaults'}: {fault}" for fault in faults]


def named(x, parameters):
    """A value in which each reference is what it leads to, or the name of that."""
    if isinstance(x, list):
        return [named(v, parameters) for v in x]
    if not isinstance(x, dict):
        return x
    if "Ref" in x:
        return str({**PSEUDO, **parameters}.get(x["Ref"], x["Ref"]))
    if "Fn::GetAtt" in x:
        of = x["Fn::GetAtt"]
        return of if isinstance(of, str) else ".".join(of)
    if "Fn::Sub" in x:
        text, own = x["Fn::Sub"] if isinstance(x["Fn::Sub"], list) else (x["Fn::Sub"], {})
        names = {**PSEUDO, **parameters, **named(own, parameters)}
        first, *parts = text.split("${")
        return first + "".join(str(names.get(p.split("}")[0], p.split("}")[0])) + p.split("}", 1)[1] for p in parts)
    return {k: named(v, parameters) for k, v in x.items()}


def statements(path, role, chosen):
    parameters = {name: options[0] for name, options in SWITCHES.items()} | chosen
    template = transformed(path, tuple((name, parameters[name]) for name in TRANSFORMED))
    settled = Settled(template, parameters)
    policies = settled.resources[role]["Properties"]["Policies"]
    found = [s for policy in policies for s in policy["PolicyDocument"]["Statement"]]
    return [{**s, "Action": listed(s["Action"]), "Resource": listed(s["Resource"])} for s in named(found, settled.parameters)]


def definition(path, machine, chosen):
    parameters = {name: options[0] for name, options in SWITCHES.items()} | chosen
    template = transformed(path, tuple((name, parameters[name]) for name in TRANSFORMED))
    settled = Settled(template, parameters)
    properties = named(settled.resources[machine]["Properties"], settled.parameters)
    text = json.dumps(properties["Definition"])
    for name, value in properties["DefinitionSubstitutions"].items():
        text = text.replace("${" + name + "}", value)
    return json.loads(text)


def another(name, parameter):
    """A value other than the default's."""
    if "AllowedValues" in parameter:
        return next(str(v) for v in parameter["AllowedValues"] if v != parameter["Default"])
    if parameter["Type"] == "Number":
        return str(parameter["MaxValue"])
    return next((v for v in SWITCHES.get(name, []) if v), None) or OTHERS[name]


def versions(path):
    """The parameters that would change the function and leave its callers the old version."""

    def behind_alias(chosen):
        template = transformed(path, tuple({"ImageUri": "repository:1", **chosen}.items()))
        settled = Settled(template, chosen)
        made = {name: named(r, settled.parameters) for name, r in settled.resources.items()}
        version = next((name, r["Properties"].get("Description")) for name, r in made.items() if r["Type"] == "AWS::Lambda::Version")
        return made["ApiFunction"]["Properties"], version

    template = read(path)
    function, version = behind_alias({})
    for name, parameter in template["Parameters"].items():
        changed, new = behind_alias({name: another(name, parameter)})
        if changed != function and new == version:
            yield f"{name} changes the function and not its version"
    defaults = {name: p.get("Default") for name, p in template["Parameters"].items()}
    if "TensorflowLayer" in template["Resources"] and version[0] in transform(local(template, "s3://bucket/other"), defaults, Policies())["Resources"]:
        yield "another layer does not change the version"


def main(path, option):
    everything = [] if option == "--versions" else list(combinations())
    few = [] if option else pairs(everything)
    with ProcessPoolExecutor() as pool:
        every = functools.partial(check, path)
        results = [*pool.map(functools.partial(every, lint=True), few), *pool.map(every, everything, chunksize=200)]
    faults = [fault for some in [*results, versions(path)] for fault in some]
    for fault in faults:
        print(fault)
    print(f"{len(everything)} combinations, {len(few)} of them linted, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    template_path, *rest = sys.argv[1:]
    printed = {"--role": statements, "--machine": definition}
    if rest and rest[0] in printed:
        print(json.dumps(printed[rest[0]](template_path, rest[1], dict(a.split("=", 1) for a in rest[2:]))))
    else:
        sys.exit(main(template_path, "".join(rest)))

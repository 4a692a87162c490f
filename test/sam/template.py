"""Transforms and lints the template with each combination of its switches, offline.

    python template.py TEMPLATE

The template is transformed as AWS would, once for each values of the parameters that the
transform looks at. The conditions of each combination are settled, so that what is left is
what would be made; then each reference in it must lead somewhere and nothing may need
itself. Of combinations in which each two values meet cfn-lint must find nothing. Prints what it found, and a last line with the
number of combinations. The exit status is 1 where there was anything.
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
    """The template as it is made with some parameters."""

    def __init__(self, template, parameters):
        self.parameters = {name: p.get("Default") for name, p in template["Parameters"].items()}
        self.parameters.update(parameters)
        self.conditions = template.get("Conditions", {})
        self.resources = {}
        for name, resource in template["Resources"].items():
            if "Condition" not in resource or self.holds(resource["Condition"]):
                rest = {k: v for k, v in resource.items() if k != "Condition"}
                self.resources[name] = self.settle(rest)
        outputs = {n: o for n, o in template.get("Outputs", {}).items() if "Condition" not in o or self.holds(o["Condition"])}
        self.outputs = self.settle({n: {k: v for k, v in o.items() if k != "Condition"} for n, o in outputs.items()})

    def holds(self, name):
        return self.truth(self.conditions[name])

    def truth(self, rule):
        (name, of), = rule.items()
        if name == "Condition":
            return self.holds(of)
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
                return self.settle(yes if self.holds(name) else no)
            if x == {"Ref": "AWS::NoValue"}:
                return DEAD
            settled = {k: self.settle(v) for k, v in x.items()}
            return {k: v for k, v in settled.items() if v is not DEAD}
        if isinstance(x, list):
            return [v for v in map(self.settle, x) if v is not DEAD]
        return x

    def faults(self):
        needs = {name: set(references(resource)) for name, resource in self.resources.items()}
        for name, resource in self.resources.items():
            needs[name].update(listed(resource.get("DependsOn", [])))
        known = set(self.resources) | set(self.parameters) | set(PSEUDO)
        for name, of in [*needs.items(), *((f"output {n}", set(references(o))) for n, o in self.outputs.items())]:
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


def local(template):
    """Code of functions and layers as if it had been uploaded."""
    for resource in template["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            if name in resource.get("Properties", {}):
                resource["Properties"][name] = "s3://bucket/key"
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
    chosen = " ".join(f"{name}={value}" for name, value in parameters.items() if value != SWITCHES[name][0])
    return [f"{chosen or 'defaults'}: {fault}" for fault in faults]


def main(path):
    everything = list(combinations())
    few = pairs(everything)
    with ProcessPoolExecutor() as pool:
        every = functools.partial(check, path)
        results = [*pool.map(functools.partial(every, lint=True), few), *pool.map(every, everything, chunksize=200)]
    faults = [fault for some in results for fault in some]
    for fault in faults:
        print(fault)
    print(f"{len(everything)} combinations, {len(few)} of them linted, {len(faults)} faults")
    return 1 if faults or not everything else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

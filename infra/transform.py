"""Transforms a SAM template as CloudFormation would, and prints how many resources come of it."""

import json
import os
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoPolicies:
    """Stands in for the loader of managed policies: the template uses none."""

    def load(self):
        return {}


def main():
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # the translator asks for one
    with open(sys.argv[1]) as f:
        template = yaml_parse(f.read())
    for function in template["Resources"].values():
        if function["Type"] == "AWS::Serverless::Function":
            function.setdefault("Properties", {})["CodeUri"] = "s3://bucket/key"
    template["Globals"]["Function"].pop("CodeUri", None)
    done = transform(template, {}, NoPolicies())
    print(f"SAM translator: {len(json.loads(json.dumps(done, default=str))['Resources'])} resources")


if __name__ == "__main__":
    main()

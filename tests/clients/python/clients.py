"""The SDKs behind one interface: `call(operation, **parameters)` gives the answer as a dictionary.

Parameters and answers have their wire names. What an SDK does not know of an answer it drops, so that a test of what
is left is a test of what its users see.
"""

import importlib
import json

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config


class ApiError(Exception):
    """An error answer, as an SDK understood it."""

    def __init__(self, code, status, message, request_id):
        super().__init__(f"{status} {code}: {message} ({request_id})")
        self.code = code
        self.status = status
        self.message = message
        self.request_id = request_id


def _method(client, operation):
    """The method of a client for an operation; the SDKs split names in their own ways."""
    wanted = operation.lower()
    for name in dir(client):
        if name.replace("_", "") == wanted:
            return getattr(client, name)
    raise AttributeError(f"{type(client)} has no {operation}")


class NewSdk:
    """The current SDK of a product, with V3 signatures or, as `signature_algorithm='v2'` makes it, V1."""

    PACKAGES = {"ens": "alibabacloud_ens20171110", "ram": "alibabacloud_ram20150501", "sts": "alibabacloud_sts20150401"}

    def __init__(self, address, key, product="ens", signature="v3", protocol="http", certificate=None):
        self.key = key
        package = self.PACKAGES[product]
        self.models = importlib.import_module(f"{package}.models")
        config = Config(
            access_key_id=key.id,
            access_key_secret=key.secret,
            endpoint=address,
            protocol=protocol,
            signature_algorithm="v2" if signature == "v1" else None,
            ca=certificate,
        )
        self.client = importlib.import_module(f"{package}.client").Client(config)

    def call(self, operation, **parameters):
        method = _method(self.client, operation)
        request = getattr(self.models, f"{operation}Request", None)
        try:
            answer = method(request().from_map(parameters)) if request else method()
        except AlibabaCloudException as error:
            raise ApiError(error.code, error.status_code, error.message, error.request_id) from None
        assert answer.status_code == 200
        return answer.body.to_map()


class OldSdk:
    """The old SDK: one client for all products, V1 signatures."""

    VERSIONS = {
        "ens": ("Ens", "2017-11-10"),
        "sts": ("Sts", "2015-04-01"),
        "ram": ("Ram", "2015-05-01"),
        "ravelin": ("Ravelin", "2026-11-22"),
    }

    def __init__(self, address, key, product="ens", protocol="http", certificate=None):
        self.key = key
        self.address = address
        self.product = product
        self.protocol = protocol
        self.client = AcsClient(key.id, key.secret, "cn-hangzhou", verify=certificate, auto_retry=False)

    def call(self, operation, **parameters):
        request = self._request(operation, parameters)
        request.set_endpoint(self.address)
        request.set_protocol_type(self.protocol)
        request.set_accept_format("json")
        try:
            return json.loads(self.client.do_action_with_exception(request))
        except ServerException as error:
            raise ApiError(error.error_code, error.http_status, error.message, error.request_id) from None

    def _request(self, operation, parameters):
        product, version = self.VERSIONS[self.product]
        package = f"aliyunsdk{self.product}.request.v{version.replace('-', '')}.{operation}Request"
        try:
            request = getattr(importlib.import_module(package), f"{operation}Request")()
        except ModuleNotFoundError:
            return self._common_request(product, version, operation, parameters)
        for name, value in parameters.items():
            # Numbered lists have a plural setter: `set_Tags` for `Tag`.
            setter = getattr(request, f"set_{name}", None) or getattr(request, f"set_{name}s")
            setter(value)
        return request

    @staticmethod
    def _common_request(product, version, operation, parameters):
        """What its users write for an operation that the SDK does not have."""
        request = CommonRequest(domain=None, version=version, action_name=operation, product=product)
        request.set_method("POST")
        for name, value in parameters.items():
            request.add_query_param(name, value if isinstance(value, str) else json.dumps(value))
        return request

"""The API described: OpenAPI 3.1 for programs, and the same in a shape that a page can show to people."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext
from ninja import NinjaAPI

from customers.api.problems import KINDS, MEDIA_TYPE
from customers.models.api_key import Scope
from loyalty_site import webhook_description

PREFIX = "api/v1/"
RETRY = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds to wait."}}
PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. `code` is from a closed list; some codes bring members of their own.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "Address of a page that explains the code."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "In the language of Accept-Language."},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer into the body, or a parameter's name."},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
# What an operation may answer besides its success; one with a body may also be refused, or not be JSON.
ALWAYS = (400, 401, 403, 404, 411, 413, 422, 429, 500, 503)
WORDS = {
    400: "The request cannot be read.",
    401: "No valid API key.",
    403: "The key lacks the scope.",
    404: "Not found, or not to be seen by this key.",
    409: "Refused, or the first request with this key is still running.",
    411: "The length of the body is missing.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "Some values cannot be accepted.",
    429: "Too many requests or misses.",
    500: "Something went wrong here.",
    503: "Too much is going on at once; nothing was done.",
}


def describe(api: NinjaAPI) -> dict[str, Any]:
    """Return the OpenAPI document."""
    document = dict(api.get_openapi_schema(path_prefix=PREFIX))
    document["servers"] = [{"url": settings.SITE_URL}]
    document["components"] = {**document["components"], "schemas": _schemas(document)}
    document["components"]["securitySchemes"] = {"Door": _security()}
    document["components"]["responses"] = {f"Problem{status}": _problem(status) for status in WORDS}
    for methods in document["paths"].values():
        for method, operation in methods.items():
            statuses = [*ALWAYS, *((409, 415) if method == "post" else ())]
            for status in sorted(statuses):
                operation["responses"][str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
            operation["responses"] = {str(status): answer for status, answer in operation["responses"].items()}
            if _is_write(operation):
                operation["responses"]["201"]["headers"] = {
                    "Idempotency-Replayed": {"schema": {"type": "string"}, "description": "`true` on a repetition."}
                }
    document["webhooks"] = webhook_description.describe()
    return document


def groups(api: NinjaAPI) -> dict[str, list[dict[str, Any]]]:
    """Return the operations by their group, each with its fields, for the page."""
    document = describe(api)
    found: dict[str, list[dict[str, Any]]] = {}
    for address, methods in document["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            success = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
            answer = success["content"]["application/json"]["schema"]
            found.setdefault(operation["tags"][0], []).append(
                {
                    "id": operation["operationId"],
                    "method": method.upper(),
                    "address": address,
                    "summary": gettext(operation["summary"]),
                    "about": gettext(operation["description"])
                    if operation["description"] != operation["summary"]
                    else "",
                    "scope": operation["x-scope"],
                    "is_write": _is_write(operation),
                    "parameters": [
                        _field(one["name"], one["schema"], one["required"]) for one in operation["parameters"]
                    ],
                    "body": _fields(body, document) if body else [],
                    "answer": _fields(answer, document),
                }
            )
    return found


def _is_write(operation: dict[str, Any]) -> bool:
    return "201" in {str(status) for status in operation["responses"]}


def _schemas(document: dict[str, Any]) -> dict[str, Any]:
    return {
        **document["components"]["schemas"],
        "Problem": {
            **PROBLEM,
            "properties": {**PROBLEM["properties"], "code": {"type": "string", "enum": sorted(KINDS)}},
        },
    }


def _security() -> dict[str, Any]:
    scopes = "\n".join(f"- `{scope.value}`" for scope in Scope)
    return {
        "type": "http",
        "scheme": "bearer",
        "description": f"A key of the form `lp_<id>_<secret>`, made in the admin. Its scopes:\n{scopes}",
    }


def _problem(status: int) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": WORDS[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in (429, 503):
        answer["headers"] = RETRY
    return answer


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _fields(schema: dict[str, Any], document: dict[str, Any], before: str = "") -> list[dict[str, Any]]:
    """Return the fields of an object, those of objects within it below their own name."""
    schema = _resolved(schema, document)
    required, rows = set(schema.get("required", ())), []
    for name, given in schema.get("properties", {}).items():
        rows.append(_field(before + name, given, name in required))
        inner = given.get("items", given)
        for one in [inner, *inner.get("anyOf", ())]:
            if "$ref" in one:
                mark = "[]." if "items" in given else "."
                rows += _fields(one, document, f"{before}{name}{mark}")
    return rows


def _field(name: str, schema: dict[str, Any], is_required: bool) -> dict[str, Any]:
    kinds = [one.get("type", "object") for one in schema.get("anyOf", [schema])]
    one = next((one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"), schema)
    bounds = [
        word.format(one[key])
        for key, word in {"minimum": "≥ {}", "maximum": "≤ {}", "maxLength": "≤ {}", "maxItems": "≤ {}"}.items()
        if key in one
    ]
    return {
        "name": name,
        "is_required": is_required,
        "kind": " / ".join(kinds),
        "format": one.get("format", ""),
        "choices": one.get("enum") or ([one["const"]] if "const" in one else []),
        "bounds": ", ".join(bounds),
        "description": gettext(schema["description"]) if schema.get("description") else "",
        "example": next(iter(schema.get("examples") or one.get("examples") or []), ""),
    }

"""The portal on a stage set by a script, with an empty page beside it: what pages.py and till.py compare theirs with."""

import json
from typing import Self

import api

URLS = """
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from loyalty_site.urls import urlpatterns as portal

@login_not_required
def empty(request):
    return HttpResponse()

def empty_page(request):
    return render(request, "{template}")

urlpatterns = [path("empty", empty), path("empty-page", empty_page), *portal]
"""


class StagedPortal(api.Portal):
    """The portal as a script has prepared it; `stage` is what the script printed last, as JSON."""

    template = "base.html"  # the layout of the empty page
    prepare = ""  # the script; it gets `size`
    wsgi = api.WSGI

    def __init__(self, database_url: str, redis_url: str, size: int) -> None:
        super().__init__(database_url, redis_url)
        self.size = size
        self.environment |= {"DATABASE_STATEMENT_TIMEOUT": "10min"}
        (self.directory / "benchmark_urls.py").write_text(URLS.format(template=self.template))
        (self.directory / "benchmark_wsgi.py").write_text(self.wsgi)

    def start(self) -> Self:
        self.run("manage.py", "migrate", "--verbosity", "0")
        self.run("manage.py", "collectstatic", "--noinput", "--verbosity", "0")
        self.stage = json.loads(self.run("-c", self.prepare, str(self.size)).strip().splitlines()[-1])
        self.serve()
        return self

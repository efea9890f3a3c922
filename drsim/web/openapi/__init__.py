"""The description of the API: OpenAPI 3.1 of every route, made from what the routes themselves work with.

Paths come from `web.app`, words from the docstrings of their functions, request bodies from the models that read them,
filters from the `Listing`s, states from the tables of `domain.states`. What a route answers is written down here.

To describe a new resource, write a module like those beside this one: `_SCHEMAS`, what is shown, by name, and a
`CHAPTER` with an `Operation` for each route, by `VERB /path`; then name the module in `CHAPTERS`. A route of an older
resource is one more entry in its chapter. What a new event is about stands in `events.SUBJECTS`, a new code of an error
in `refusals.CODES`. `tests/openapi` says what is missing; examples are what its story gets to see:
`python -m tests.openapi.story` writes `examples.json` anew.

Nothing of this is loaded before somebody asks for it.
"""

from drsim.web.openapi.document import CHAPTERS, description

__all__ = ["CHAPTERS", "description"]

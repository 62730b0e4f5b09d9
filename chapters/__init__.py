"""The show: a folder a subject, a Markdown file a chapter; and what reads them."""

from chapters.chapter import Chapter, ChapterError, load, shipped
from chapters.conditions import CONDITIONS, holds

__all__ = ["CONDITIONS", "Chapter", "ChapterError", "holds", "load", "shipped"]

"""The files of a report: HTML and Markdown pages, CSV and LaTeX tables, checklists."""

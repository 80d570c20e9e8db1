"""Server-side apply, as pure functions: who owns which fields, and what becomes of them when somebody writes.

    elements  one step of a path, as FieldsV1 writes it
    sets      sets of fields: FieldsV1 documents, and their algebra
    shapes    what the functions here have to know of a type; structs and lists are the shapes with parts
    managers  the entries of metadata.managedFields
    tracking  what an update does to the entries
    applying  what an applied configuration does to the object and to the entries

https://kubernetes.io/docs/reference/using-api/server-side-apply/ (KEP-555)
"""

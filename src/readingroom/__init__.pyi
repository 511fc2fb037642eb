from readingroom.anonymize.door import Door

__version__: str
anonymize: Door

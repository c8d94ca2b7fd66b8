"""The site of tierkit: pages that run, a reference from the code, pictures, and evidence."""

#[allow(clippy::all, clippy::pedantic, missing_debug_implementations, non_camel_case_types, private_interfaces)]
#[allow(unreachable_pub, unused)]
const _: () = {
    pub struct __ProductFields<__M: 'static, __P: ::fastness::__private::index::At> {
        pub id: ::fastness::__private::index::Path<__M, u64, ::fastness::__private::index::In<__P, Product, 0usize>>,
        pub maker:
            ::fastness::__private::index::Path<__M, Maker, ::fastness::__private::index::In<__P, Product, 1usize>>,
    }
    impl<__M: 'static, __P: ::fastness::__private::index::At> ::fastness::__private::index::FieldSet
        for __ProductFields<__M, __P>
    {
        const ALL: &'static Self = &__ProductFields {
            id: ::fastness::__private::index::Path::NEW,
            maker: ::fastness::__private::index::Path::NEW,
        };
    }
    impl ::fastness::__private::index::Nested for Product {
        type Fields<__M: 'static, __P: ::fastness::__private::index::At> = __ProductFields<__M, __P>;
    }
    impl ::fastness::__private::index::Segments for Product {
        const SEGMENTS: &'static [::fastness::__private::index::Segment] = {
            use ::fastness::__private::index::Unknown as _;
            &[
                ::fastness::__private::index::Segment {
                    name: ::core::option::Option::Some("_id"),
                    array: ::fastness::__private::index::Ask::<u64>::ARRAY,
                    holds: ::fastness::__private::index::Ask::<u64>::HOLDS,
                },
                ::fastness::__private::index::Segment {
                    name: ::core::option::Option::Some("maker"),
                    array: ::fastness::__private::index::Ask::<Maker>::ARRAY,
                    holds: ::fastness::__private::index::Ask::<Maker>::HOLDS,
                },
            ]
        };
    }
    impl ::fastness::__private::index::Indexed for Product {
        const COLLECTION: &'static str = "products";
        const INDEXES: &'static [::fastness::__private::index::Declaration] = {
            let __root = ::fastness::__private::index::root::<Self>();
            &[]
        };
        const SCOPES: &'static [::fastness::__private::index::Scope] = {
            let __root = ::fastness::__private::index::root::<Self>();
            let __at0 = ::fastness::__private::index::steps(&__root.id);
            ::fastness::__private::index::single(__at0);
            let __at1 = ::fastness::__private::index::steps(&::fastness::__private::index::below(&__root.maker).name);
            ::fastness::__private::index::single(__at1);
            &[
                ::fastness::__private::index::Scope {
                    text: "product:{id}",
                    pieces: &[
                        ::fastness::__private::index::ScopePiece::Text("product:"),
                        ::fastness::__private::index::ScopePiece::Field {
                            path: __at0.names(),
                            write: |__value, __out| {
                                use ::fastness::__private::index::ladder::*;
                                let __root = ::fastness::__private::index::root::<Self>();
                                let ::core::option::Option::Some(__value) =
                                    ::fastness::__private::index::read(__value, &__root.id)
                                else {
                                    return false;
                                };
                                ::fastness::__private::index::write(
                                    &(&::fastness::__private::index::Arg(&__value)).__part(),
                                    __out,
                                )
                            },
                        },
                    ],
                    prefix: false,
                },
                ::fastness::__private::index::Scope {
                    text: "maker:{maker.name:lower}:products:*",
                    pieces: &[
                        ::fastness::__private::index::ScopePiece::Text("maker:"),
                        ::fastness::__private::index::ScopePiece::Field {
                            path: __at1.names(),
                            write: |__value, __out| {
                                use ::fastness::__private::index::ladder::*;
                                let __root = ::fastness::__private::index::root::<Self>();
                                let ::core::option::Option::Some(__value) = ::fastness::__private::index::read(
                                    __value,
                                    &::fastness::__private::index::below(&__root.maker).name,
                                ) else {
                                    return false;
                                };
                                ::fastness::__private::index::write(
                                    &::fastness::__private::index::lower(&__value),
                                    __out,
                                )
                            },
                        },
                        ::fastness::__private::index::ScopePiece::Text(":products"),
                    ],
                    prefix: true,
                },
                ::fastness::__private::index::Scope {
                    text: "products:*",
                    pieces: &[::fastness::__private::index::ScopePiece::Text("products")],
                    prefix: true,
                },
            ]
        };
    }
    const _: &'static [::fastness::__private::index::Declaration] =
        <Product as ::fastness::__private::index::Indexed>::INDEXES;
    const _: &'static [::fastness::__private::index::Scope] =
        <Product as ::fastness::__private::index::Indexed>::SCOPES;
};
